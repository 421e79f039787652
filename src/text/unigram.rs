//! A Unigram model for large vocabularies. It returns the same tokens as the tokenizers crate's model and needs less memory:
//! the crate stores every entry three times, once in a trie of hash maps.

use super::trie::Trie;
use tokenizers::{Result, Token};

/// How much worse than the worst entry an unknown character is.
const UNKNOWN_PENALTY: f64 = 10.0;

/// The id of an unknown character in a vocabulary without an entry for it.
const NO_ENTRY: u32 = u32::MAX;

/// The most likely split of a text into entries of a vocabulary, each with the logarithm of its probability (Kudo 2018,
/// <https://arxiv.org/abs/1804.10959>).
#[derive(Debug, Clone)]
pub(super) struct Unigram {
    scores: Vec<f64>,
    trie: Trie,
    lowest_score: f64,
    unknown: Option<u32>,
    byte_fallback: bool,
}

/// The best split of the text that ends at some byte: its last entry.
#[derive(Clone, Copy)]
struct Best {
    id: u32,
    start: usize,
    score: f64,
}

impl Unigram {
    /// The model of `entries`. `unknown` is the id of the entry for unknown characters, which must be one of them.
    /// `byte_fallback` splits such characters into bytes, where the vocabulary has entries for them.
    pub fn new(entries: ScoredEntries, unknown: Option<u32>, byte_fallback: bool) -> Self {
        let trie = Trie::new(&entries.iter().collect::<Vec<_>>());
        let lowest_score = entries.scores.iter().copied().fold(f64::INFINITY, f64::min);
        Unigram { trie, scores: entries.scores, lowest_score, unknown, byte_fallback }
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.scores.len()
    }

    /// Returns the id of an entry.
    pub fn id(&self, entry: &str) -> Option<u32> {
        self.trie.find(entry.as_bytes())
    }

    /// Returns all entries with their ids.
    pub fn entries(&self) -> impl Iterator<Item = (String, u32)> {
        self.trie.entries().map(|(bytes, id)| (String::from_utf8_lossy(&bytes).into_owned(), id))
    }

    /// Splits `text` into tokens.
    ///
    /// # Errors
    /// If a character is unknown, and the vocabulary has no entry for unknown characters.
    pub fn tokenize(&self, text: &str) -> Result<Vec<Token>> {
        let mut tokens = Vec::new();
        for (start, end) in self.split(text)? {
            let (piece, offsets) = (&text[start..end], (start, end));
            match (self.id(piece), self.bytes(piece)) {
                (Some(id), _) => tokens.push(Token::new(id, piece.to_owned(), offsets)),
                (None, Some(bytes)) => {
                    tokens.extend(bytes.into_iter().map(|(id, byte)| Token::new(id, byte, offsets)));
                }
                (None, None) => tokens.push(Token::new(self.unknown()?, piece.to_owned(), offsets)),
            }
        }
        Ok(tokens)
    }

    /// Returns the entries for the bytes of `piece`, if the model has them.
    fn bytes(&self, piece: &str) -> Option<Vec<(u32, String)>> {
        let entry = |byte: u8| {
            let entry = format!("<0x{byte:02X}>");
            self.id(&entry).map(|id| (id, entry))
        };
        self.byte_fallback.then(|| piece.bytes().map(entry).collect())?
    }

    fn unknown(&self) -> Result<u32> {
        self.unknown.ok_or_else(|| "the text has an unknown character, but the vocabulary has no `unk_id`".into())
    }

    /// Returns the start and end of every token. Adjacent unknown characters are one token.
    fn split(&self, text: &str) -> Result<Vec<(usize, usize)>> {
        let mut best: Vec<Option<Best>> = vec![None; text.len() + 1];
        for (start, character) in text.char_indices() {
            let score_here = best[start].map_or(0.0, |known| known.score);
            let mut known_character = false;
            let mut offer = |length: usize, id: u32, score: f64| {
                let candidate = Best { id, start, score: score + score_here };
                let known = &mut best[start + length];
                if known.is_none_or(|known| candidate.score > known.score) {
                    *known = Some(candidate);
                }
            };
            self.trie.prefixes(&text.as_bytes()[start..], |length, id| {
                known_character |= length == character.len_utf8();
                offer(length, id, self.scores[id as usize]);
            });
            if !known_character {
                let length = character.len_utf8();
                offer(length, self.unknown.unwrap_or(NO_ENTRY), self.lowest_score - UNKNOWN_PENALTY);
                if best[start + length].is_some_and(|known| known.id == NO_ENTRY) {
                    self.unknown()?;
                }
            }
        }
        let mut pieces: Vec<(usize, usize)> = Vec::new();
        let (mut end, mut after_unknown) = (text.len(), false);
        while let Some(Best { id, start, .. }) = best[end].filter(|_| end > 0) {
            let unknown = Some(id) == self.unknown;
            match pieces.last_mut() {
                Some(piece) if unknown && after_unknown => piece.0 = start,
                _ => pieces.push((start, end)),
            }
            (end, after_unknown) = (start, unknown);
        }
        pieces.reverse();
        Ok(pieces)
    }
}

/// Entries and their scores, in the order of their ids. The entries are laid end to end.
#[derive(Default)]
pub(super) struct ScoredEntries {
    text: String,
    ends: Vec<usize>,
    scores: Vec<f64>,
}

impl ScoredEntries {
    /// Adds an entry.
    pub fn push(&mut self, entry: &str, score: f64) {
        self.text.push_str(entry);
        self.ends.push(self.text.len());
        self.scores.push(score);
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.scores.len()
    }

    /// The length of the longest entry in bytes, if there is one.
    pub fn longest(&self) -> Option<usize> {
        self.iter().map(<[u8]>::len).max()
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).map(|(&start, &end)| &self.text.as_bytes()[start..end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;
    use crate::text::vocabulary_model::VocabularyModel;
    use tokenizers::Model;
    use tokenizers::models::unigram;

    const LETTERS: [char; 7] = ['a', 'b', 'c', 'é', '中', '😀', ' '];

    fn word(rng: &mut Rng, longest: usize) -> String {
        (0..1 + rng.below(longest)).map(|_| LETTERS[rng.below(LETTERS.len())]).collect()
    }

    /// Vocabularies with equal scores, repeated entries and missing letters.
    #[test]
    fn tokens_are_those_of_the_tokenizers_crate() {
        let mut rng = Rng::new(7);
        for round in 0..60 {
            let mut entries = vec![("<unk>".to_owned(), 0.0), ("<0x61>".to_owned(), -1.0), ("<0x62>".to_owned(), -2.0)];
            for _ in 0..30 {
                entries.push((word(&mut rng, 4), -(rng.below(6) as f64) / 2.0));
            }
            let unknown = if round % 10 == 9 { None } else { Some(0) };
            let fallback = round % 2 == 1;
            let theirs = unigram::Unigram::from(entries.clone(), unknown, fallback).unwrap();
            let mut scored = ScoredEntries::default();
            entries.iter().for_each(|(entry, score)| scored.push(entry, *score));
            let ours = VocabularyModel::Unigram(Unigram::new(scored, unknown.map(|id| id as u32), fallback));
            assert_eq!((ours.get_vocab(), ours.get_vocab_size()), (theirs.get_vocab(), theirs.get_vocab_size()));
            for _ in 0..50 {
                let text = word(&mut rng, 30);
                assert_eq!(ours.tokenize(&text).ok(), theirs.tokenize(&text).ok(), "{text} with {entries:?}");
            }
        }
    }
}
