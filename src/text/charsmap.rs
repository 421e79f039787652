//! Checks the normalization table of a SentencePiece model, which the tokenizers crate reads without checks.
//!
//! A table holds the size of a trie in bytes (u32), the trie as a double array of u32 units (Aoe 1989, in the layout of
//! darts-clone), and the texts that the trie's values point into, each ended by NUL.

use crate::base64;

/// Returns what is wrong with `table`, which is base64, or `None` if every lookup stays inside it.
pub(super) fn fault(table: &str) -> Option<&'static str> {
    const DAMAGED: Option<&str> = Some("is damaged");
    let Some(bytes) = base64::decode(table) else { return Some("is not base64") };
    let Some((size, rest)) = bytes.split_first_chunk() else { return DAMAGED };
    let Some((trie, texts)) = rest.split_at_checked(u32::from_le_bytes(*size) as usize / 4 * 4) else {
        return DAMAGED;
    };
    let units: Vec<u32> = trie.as_chunks().0.iter().copied().map(u32::from_le_bytes).collect();
    match std::str::from_utf8(texts) {
        Ok(texts) if lookups_stay_inside(&units, texts) => None,
        _ => DAMAGED,
    }
}

/// The distance from a node to its children.
fn offset(unit: u32) -> usize {
    ((unit >> 10) as usize) << ((unit & (1 << 9)) >> 6)
}

/// Walks through all nodes and checks that their children are units, and that their values are positions in `texts`.
fn lookups_stay_inside(units: &[u32], texts: &str) -> bool {
    let mut seen = vec![false; units.len()];
    let mut bases = match units.first() {
        Some(&root) => vec![offset(root)],
        None => return false,
    };
    while let Some(base) = bases.pop() {
        // A lookup reads the unit of any byte before it knows whether that is a child.
        if base | 0xff >= units.len() {
            return false;
        }
        for byte in 1..=0xff {
            let node = base ^ byte;
            let unit = units[node];
            if unit & (1 << 31 | 0xff) != byte as u32 || seen[node] {
                continue;
            }
            seen[node] = true;
            let base = node ^ offset(unit);
            let has_value = unit >> 8 & 1 == 1;
            let value = units.get(base).map(|leaf| (leaf & !(1 << 31)) as usize);
            if has_value && !value.is_some_and(|at| texts.is_char_boundary(at)) {
                return false;
            }
            bases.push(base);
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_positions_and_values_must_lie_inside() {
        assert_eq!(fault("/////w=="), Some("is damaged"), "a trie of 4 GiB");
        assert_eq!(fault(""), Some("is damaged"));
        assert_eq!(fault("?"), Some("is not base64"));
        // `a` is a child of the root, and its value is the position of a text.
        let trie = |value: u32| {
            let mut units = [0u32; 512];
            units[0] = 256 << 10;
            units[256 ^ 97] = 1 << 10 | 1 << 8 | 97;
            units[256 ^ 97 ^ 1] = 1 << 31 | value;
            units
        };
        assert!(lookups_stay_inside(&trie(0), "b\0"));
        assert!(!lookups_stay_inside(&trie(3), "b\0"), "a value behind the texts");
        assert!(!lookups_stay_inside(&trie(1), "é\0"), "a value inside a character");
        assert!(!lookups_stay_inside(&trie(0)[..500], "b\0"), "a child behind the trie");
    }
}
