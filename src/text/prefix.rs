//! Reads only as much of a long text as its first tokens need.
//!
//! A text that is cut between two words has the tokens of the whole text up to there: normalizers look at a character and the
//! marks that combine with it, and pre-tokenizers cut the text into words before the vocabulary is asked. A text may be cut under
//! two conditions. The characters around the cut do not combine: letters or digits with one space between them, or
//! two ideographs. And the tokenizer itself, given the text around the cut, begins a word there.

use super::Tokenizer;
use tokenizers::{Encoding, Result};

/// The first attempt reads this many bytes for each token. Most texts have 3 to 6.
const BYTES_PER_TOKEN: usize = 16;

/// Each further attempt reads this many times as much.
const GROWTH: usize = 8;

/// No more of a text is read, even if that changes its tokens: if it has so few words, or none. A normalizer that makes texts
/// many times as long lowers this limit.
pub(super) const MAX_BYTES: usize = 1 << 20;

/// How many bytes on each side of a cut the tokenizer is given to decide about it.
const CONTEXT_BYTES: usize = 256;

/// How many places for a cut are tried.
const TRIED_CUTS: usize = 8;

/// The first tokens of a text.
pub(super) struct Start {
    /// The tokens, without special tokens.
    pub encoding: Encoding,
    /// Whether these are all tokens of the text.
    pub complete: bool,
}

/// Returns all tokens of `text`, or its first ones, more than `count` of them. Reads at most `most_bytes` of the text.
///
/// # Errors
/// If the tokenizer fails.
pub(super) fn encode_start(tokenizer: &Tokenizer, text: &str, count: usize, most_bytes: usize) -> Result<Start> {
    let mut bytes = count.saturating_add(1).saturating_mul(BYTES_PER_TOKEN);
    while bytes < text.len().min(most_bytes) {
        let cuts = possible_cuts(text, bytes).take(TRIED_CUTS);
        if let Some(cut) = first_certain(cuts, |cut| begins_word(tokenizer, text, cut))? {
            let encoding = tokenizer.encode_fast(&text[..cut], false)?;
            if encoding.len() > count {
                return Ok(Start { encoding, complete: false });
            }
        }
        bytes = bytes.saturating_mul(GROWTH);
    }
    let end = text.floor_char_boundary(most_bytes);
    Ok(Start { encoding: tokenizer.encode_fast(&text[..end], false)?, complete: end == text.len() })
}

/// Returns the first of `cuts` that `certain` accepts.
fn first_certain(cuts: impl Iterator<Item = usize>, certain: impl Fn(usize) -> Result<bool>) -> Result<Option<usize>> {
    for cut in cuts {
        if certain(cut)? {
            return Ok(Some(cut));
        }
    }
    Ok(None)
}

/// Returns the places where the characters around a cut do not combine, from byte number `bytes` of `text` back to half of that.
fn possible_cuts(text: &str, bytes: usize) -> impl Iterator<Item = usize> {
    let (half, end) = (text.floor_char_boundary(bytes / 2), text.floor_char_boundary(bytes));
    let places = text[half..end].char_indices().rev().map(move |(at, _)| half + at);
    places.filter(|&at| {
        let mut after = text[at..].chars();
        match (text[..at].chars().next_back(), after.next(), after.next()) {
            (Some(left), Some(' '), Some(right)) => left.is_alphanumeric() && right.is_alphanumeric(),
            (Some(left), Some(right), _) => is_ideograph(left) && is_ideograph(right),
            _ => false,
        }
    })
}

/// Whether `character` is one of the unified ideographs, which combine with nothing that follows but marks.
fn is_ideograph(character: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&character)
}

/// Returns whether `tokenizer` begins a word at the byte `cut` of `text`, given some text around it.
fn begins_word(tokenizer: &Tokenizer, text: &str, cut: usize) -> Result<bool> {
    let start = text.floor_char_boundary(cut.saturating_sub(CONTEXT_BYTES));
    let end = text.ceil_char_boundary((cut + CONTEXT_BYTES).min(text.len()));
    let around = tokenizer.encode(&text[start..end], false)?;
    let (cut, offsets, words) = (cut - start, around.get_offsets(), around.get_word_ids());
    let before = (0..around.len()).rev().find(|&at| offsets[at].0 < cut);
    let after = (0..around.len()).find(|&at| offsets[at].0 >= cut);
    Ok(match (before, after) {
        (Some(before), Some(after)) => offsets[before].1 <= cut && before < after && words[before] != words[after],
        _ => false,
    })
}
