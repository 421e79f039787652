//! The names of columns and fields that hold texts and labels.

/// The columns of a pair, in order of preference. The comments name GLUE tasks.
const PAIRS: [(&str, &str); 17] = [
    ("sentence1", "sentence2"), // MRPC, STS-B, RTE, WNLI, MNLI
    ("#1 String", "#2 String"), // MRPC
    ("question1", "question2"), // QQP
    ("premise", "hypothesis"),  // MNLI
    ("question", "sentence"),   // QNLI
    ("sentence_a", "sentence_b"),
    ("text_a", "text_b"),
    ("text1", "text2"),
    ("text", "text_pair"),
    ("sent1", "sent2"),
    ("question", "passage"),
    ("question", "context"),
    ("question", "answer"),
    ("query", "passage"),
    ("query", "document"),
    ("query", "text"),
    ("a", "b"),
];

/// The column of a single text, in order of preference. `sentence` is that of CoLA and SST-2.
const SINGLES: [&str; 11] = [
    "sentence",
    "text",
    "comment_text",
    "comment",
    "review",
    "content",
    "tweet",
    "prompt",
    "utterance",
    "message",
    "headline",
];

/// The column of the label, in order of preference: `quality` is MRPC's, `is_duplicate` QQP's, `gold_label` MNLI's and `score`
/// STS-B's.
const LABELS: [&str; 14] = [
    "label",
    "labels",
    "gold_label",
    "quality",
    "is_duplicate",
    "score",
    "similarity_score",
    "similarity",
    "relatedness_score",
    "class",
    "category",
    "target",
    "sentiment",
    "rating",
];

/// The fields of JSON objects that hold one or two texts in a list.
pub const LISTS: [&str; 2] = ["texts", "sentences"];

/// Where texts and label are among the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Columns {
    /// The only text, or the first of a pair.
    pub first: usize,
    /// The second text of a pair.
    pub second: Option<usize>,
    /// The label.
    pub label: Option<usize>,
}

impl Columns {
    /// Finds the columns among `names`. Upper and lower case, spaces, hyphens and underscores do not matter: `Sentence 1` is
    /// `sentence1`. Returns `None` if none of the columns holds texts.
    pub fn find(names: &[impl AsRef<str>]) -> Option<Self> {
        let pair = PAIRS.iter().find_map(|(first, second)| Some((place(names, first)?, Some(place(names, second)?))));
        let (first, second) = pair.or_else(|| Some((SINGLES.iter().find_map(|name| place(names, name))?, None)))?;
        Some(Columns { first, second, label: Self::label(names) })
    }

    /// Finds the column of the label.
    pub fn label(names: &[impl AsRef<str>]) -> Option<usize> {
        LABELS.iter().find_map(|name| place(names, name))
    }

    /// Returns a name that belongs to a pair, and the other name of that pair, which is not among `names`.
    pub fn half(names: &[impl AsRef<str>]) -> Option<(&'static str, &'static str)> {
        let has = |wanted| place(names, wanted).is_some();
        PAIRS.iter().find_map(|&(first, second)| match (has(first), has(second)) {
            (true, false) => Some((first, second)),
            (false, true) => Some((second, first)),
            _ => None,
        })
    }

    /// Returns a column that is read and whose name another column has too.
    pub fn repeated(&self, names: &[impl AsRef<str>]) -> Option<usize> {
        let same = |at: usize, name: &str| key(name) == key(names[at].as_ref());
        self.used().find(|&at| names.iter().filter(|name| same(at, name.as_ref())).count() > 1)
    }

    /// The columns that are read.
    fn used(&self) -> impl Iterator<Item = usize> {
        [Some(self.first), self.second, self.label].into_iter().flatten()
    }
}

/// A name without what does not matter.
fn key(name: &str) -> String {
    name.trim().chars().filter(|c| ![' ', '-', '_'].contains(c)).collect::<String>().to_lowercase()
}

fn place(names: &[impl AsRef<str>], wanted: &str) -> Option<usize> {
    names.iter().position(|name| key(name.as_ref()) == key(wanted))
}

/// Lists every accepted name, for errors.
pub fn accepted() -> String {
    let pairs: Vec<String> = PAIRS.iter().map(|(first, second)| format!("{first} and {second}")).collect();
    format!("for one text {}; for a pair {}; for labels {}", SINGLES.join(", "), pairs.join(", "), LABELS.join(", "))
}

/// Shows some names of a header, shortened, for errors.
pub fn shown(names: &[impl AsRef<str>]) -> String {
    const MOST: usize = 12;
    let short = |name: &str| {
        let start: String = name.chars().take(30).collect();
        if start.len() < name.len() { format!("{:?}…", start) } else { format!("{start:?}") }
    };
    let mut shown: Vec<String> = names.iter().take(MOST).map(|name| short(name.as_ref())).collect();
    if names.len() > MOST {
        shown.push(format!("… ({} in all)", names.len()));
    }
    shown.join(", ")
}
