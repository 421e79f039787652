//! Builds a WordPiece tokenizer.json, as BERT uses it, from a list of tokens.

use serde_json::{Map, Value, json};
use tokenizers::normalizers::BertNormalizer;

/// The special tokens; their ids are 0 to 4.
pub const SPECIAL: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

const CONSONANTS: &[u8; 16] = b"bdfghjklmnprstvz";
const VOWELS: &[u8; 5] = b"aeiou";

/// Returns the tokenizer.json of a lower-casing tokenizer. Its vocabulary is [`SPECIAL`] followed by `tokens`, which must be
/// unique.
pub fn tokenizer_json(tokens: impl IntoIterator<Item = String>) -> Value {
    let special = SPECIAL.map(String::from);
    let vocab = special.iter().cloned().chain(tokens).enumerate().map(|(id, token)| (token, json!(id))).collect();
    from_vocabulary(vocab, &special, BertNormalizer::new(true, true, None, true))
}

/// Returns the tokenizer.json of a tokenizer with this vocabulary, from tokens to ids. The `special` tokens are for padding,
/// unknown words, starts, ends and masks; the vocabulary must hold the second to fourth.
pub(super) fn from_vocabulary(vocab: Map<String, Value>, special: &[String; 5], normalizer: BertNormalizer) -> Value {
    let added = special.iter().filter_map(|token| vocab.get(token).map(|id| (token, id))).map(|(token, id)| {
        json!({ "id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": true })
    });
    let [_, unknown, start, end, _] = special;
    let token = |name: &str, side: usize| json!({ "SpecialToken": { "id": name, "type_id": side } });
    let words = |name: &str, side: usize| json!({ "Sequence": { "id": name, "type_id": side } });
    let named = |name: &str| json!({ "id": name, "ids": [vocab[name]], "tokens": [name] });
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added.collect::<Vec<_>>(),
        "normalizer": { "type": "BertNormalizer", "clean_text": normalizer.clean_text,
                        "handle_chinese_chars": normalizer.handle_chinese_chars,
                        "strip_accents": normalizer.strip_accents, "lowercase": normalizer.lowercase },
        "pre_tokenizer": { "type": "BertPreTokenizer" },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [token(start, 0), words("A", 0), token(end, 0)],
            "pair": [token(start, 0), words("A", 0), token(end, 0), words("B", 1), token(end, 1)],
            "special_tokens": { start: named(start), end: named(end) },
        },
        "decoder": { "type": "WordPiece", "prefix": "##", "cleanup": true },
        "model": { "type": "WordPiece", "unk_token": unknown, "continuing_subword_prefix": "##",
                   "max_input_chars_per_word": 100, "vocab": vocab },
    })
}

/// Returns a vocabulary of `count` tokens: the printable ASCII characters except capitals; letters and digits that continue a
/// word; and made-up words of two and three syllables, each of which is one token.
///
/// # Panics
/// If `count` exceeds the number of possible tokens, about half a million.
pub fn made_up_tokens(count: usize) -> Vec<String> {
    let characters = || ('!'..='~').filter(|c| !c.is_ascii_uppercase()).map(String::from);
    let continued = ('0'..='9').chain('a'..='z').map(|c| format!("##{c}"));
    let tokens: Vec<String> = characters().chain(continued).chain(words()).take(count).collect();
    assert_eq!(tokens.len(), count, "there are fewer than {count} made-up words");
    tokens
}

/// All words of two syllables, then all words of three, each group in a shuffled order.
fn words() -> impl Iterator<Item = String> {
    const SYLLABLES: usize = CONSONANTS.len() * VOWELS.len();
    // Each step is a prime that does not divide the number of words, so every word appears once.
    let mixed = |syllables: u32, step: usize| {
        let count = SYLLABLES.pow(syllables);
        (0..count).map(move |at| word(at * step % count, syllables))
    };
    mixed(2, 2_741).chain(mixed(3, 200_003))
}

/// The word number `at` among words of this many syllables.
fn word(mut at: usize, syllables: u32) -> String {
    let mut word = String::new();
    for _ in 0..syllables {
        word.push(CONSONANTS[at % CONSONANTS.len()].into());
        at /= CONSONANTS.len();
        word.push(VOWELS[at % VOWELS.len()].into());
        at /= VOWELS.len();
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::TextTokenizer;
    use std::collections::HashSet;

    #[test]
    fn every_word_is_one_token_and_comes_once() {
        let tokens = made_up_tokens(30_000);
        assert_eq!(tokens.iter().collect::<HashSet<_>>().len(), tokens.len());
        let json = tokenizer_json(tokens.clone()).to_string();
        let tokenizer = TextTokenizer::from_bytes(json.as_bytes(), "made up").unwrap();
        let words: Vec<&str> = tokens.iter().filter(|t| t.len() > 3).map(String::as_str).collect();
        let ids: Vec<i64> =
            tokens.iter().enumerate().filter(|(_, t)| t.len() > 3).map(|(at, _)| at as i64 + 5).collect();
        let encoded = tokenizer.encode((words.join(" ").as_str(), "Ba!"), words.len() + 10).unwrap();
        assert_eq!(encoded.ids[0], 2);
        assert_eq!(encoded.ids[1..=words.len()], ids);
        // [SEP], then `b`, `##a`, `!` and [SEP]: `ba` has one syllable, so it is not a word.
        assert_eq!(encoded.ids.len(), words.len() + 6);
        assert!(!encoded.ids.contains(&1), "nothing is unknown");
    }

    #[test]
    fn the_first_words_stay() {
        assert_eq!(made_up_tokens(107)[104..], ["baba", "jefi", "pihu"]);
    }
}
