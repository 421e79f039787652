//! The names of columns and fields that hold texts and labels.

/// The columns of a pair, in order of preference. The comments name GLUE tasks.
const PAIRS: [(&str, &str); 21] = [
    ("sentence1", "sentence2"), // MRPC, STS-B, RTE, WNLI, MNLI
    ("#1 string", "#2 string"), // MRPC
    ("question1", "question2"), // QQP
    ("premise", "hypothesis"),  // MNLI
    ("question", "sentence"),   // QNLI
    ("sentence_1", "sentence_2"),
    ("sentence_a", "sentence_b"),
    ("text_a", "text_b"),
    ("text1", "text2"),
    ("text_1", "text_2"),
    ("text", "text_pair"),
    ("sent1", "sent2"),
    ("question", "passage"),
    ("question", "context"),
    ("question", "answer"),
    ("query", "passage"),
    ("query", "document"),
    ("query", "text"),
    ("query", "answer"),
    ("first", "second"),
    ("a", "b"),
];

/// The column of a single text, in order of preference. `sentence` is that of CoLA and SST-2.
const SINGLES: [&str; 7] = ["sentence", "text", "comment_text", "comment", "review", "content", "tweet"];

/// The column of the label, in order of preference: `quality` is MRPC's, `is_duplicate` QQP's, `gold_label` MNLI's and `score`
/// STS-B's.
const LABELS: [&str; 9] = [
    "label",
    "labels",
    "gold_label",
    "quality",
    "is_duplicate",
    "score",
    "similarity_score",
    "similarity",
    "relatedness_score",
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
    /// Finds the columns among `names`, which are in lower case. Returns `None` if none of them holds texts.
    pub fn find(names: &[impl AsRef<str>]) -> Option<Self> {
        let place = |wanted: &str| names.iter().position(|name| name.as_ref() == wanted);
        let pair = PAIRS.iter().find_map(|(first, second)| Some((place(first)?, Some(place(second)?))));
        let (first, second) = pair.or_else(|| Some((SINGLES.iter().find_map(|name| place(name))?, None)))?;
        Some(Columns { first, second, label: Self::label(names) })
    }

    /// Finds the column of the label.
    pub fn label(names: &[impl AsRef<str>]) -> Option<usize> {
        LABELS.iter().find_map(|wanted| names.iter().position(|name| name.as_ref() == *wanted))
    }

    /// Returns a name that belongs to a pair, and the other name of that pair, which is not among `names`.
    pub fn half(names: &[impl AsRef<str>]) -> Option<(&'static str, &'static str)> {
        let has = |wanted: &str| names.iter().any(|name| name.as_ref() == wanted);
        PAIRS.iter().find_map(|&(first, second)| match (has(first), has(second)) {
            (true, false) => Some((first, second)),
            (false, true) => Some((second, first)),
            _ => None,
        })
    }

    /// The columns that are read.
    pub fn used(&self) -> impl Iterator<Item = usize> {
        [Some(self.first), self.second, self.label].into_iter().flatten()
    }
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
