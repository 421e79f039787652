//! A set of byte strings with ids, in flat arrays.

use std::collections::VecDeque;

/// Marks a node that is not the end of an entry.
const NO_ENTRY: u32 = u32::MAX;

/// A trie. Its nodes are numbered level by level, so that the children of a node are neighbours.
#[derive(Debug, Clone)]
pub(super) struct Trie {
    /// The last byte of each node's string.
    labels: Vec<u8>,
    /// The id of each node's string, or [`NO_ENTRY`].
    ids: Vec<u32>,
    /// The first child of each node; its last child comes before the first child of the next node.
    children: Vec<u32>,
}

impl Trie {
    /// Creates a trie of `entries`, whose ids are their positions. Of equal entries, the last one counts.
    pub fn new(entries: &[&[u8]]) -> Self {
        let mut sorted: Vec<u32> = (0..entries.len() as u32).collect();
        sorted.sort_by_key(|&id| (entries[id as usize], id));
        let entry = |at: usize| entries[sorted[at] as usize];
        let mut trie = Trie { labels: vec![0], ids: vec![NO_ENTRY], children: Vec::new() };
        // Each node is a range of sorted entries that share a prefix of this length.
        let mut nodes = VecDeque::from([(0, sorted.len(), 0)]);
        while let Some((mut start, end, length)) = nodes.pop_front() {
            let node = trie.children.len();
            trie.children.push(trie.labels.len() as u32);
            while start < end && entry(start).len() == length {
                trie.ids[node] = sorted[start];
                start += 1;
            }
            while start < end {
                let label = entry(start)[length];
                let same = sorted[start..end].partition_point(|&id| entries[id as usize][length] == label);
                trie.labels.push(label);
                trie.ids.push(NO_ENTRY);
                nodes.push_back((start, start + same, length + 1));
                start += same;
            }
        }
        trie.children.push(trie.labels.len() as u32);
        trie.labels.shrink_to_fit();
        trie.ids.shrink_to_fit();
        trie.children.shrink_to_fit();
        trie
    }

    fn child(&self, node: usize, label: u8) -> Option<usize> {
        let (first, end) = (self.children[node] as usize, self.children[node + 1] as usize);
        self.labels[first..end].binary_search(&label).ok().map(|at| first + at)
    }

    fn id(&self, node: usize) -> Option<u32> {
        Some(self.ids[node]).filter(|&id| id != NO_ENTRY)
    }

    /// Returns the id of an entry.
    pub fn find(&self, entry: &[u8]) -> Option<u32> {
        let node = entry.iter().try_fold(0, |node, &byte| self.child(node, byte))?;
        self.id(node)
    }

    /// Calls `each` with the length and the id of every entry, except an empty one, that `text` starts with.
    pub fn prefixes(&self, text: &[u8], mut each: impl FnMut(usize, u32)) {
        let mut node = 0;
        for (at, &byte) in text.iter().enumerate() {
            let Some(child) = self.child(node, byte) else { return };
            node = child;
            if let Some(id) = self.id(node) {
                each(at + 1, id);
            }
        }
    }

    /// Returns all entries with their ids.
    pub fn entries(&self) -> impl Iterator<Item = (Vec<u8>, u32)> {
        let mut open = vec![(0, Vec::new())];
        std::iter::from_fn(move || {
            let (node, string) = open.pop()?;
            for child in self.children[node] as usize..self.children[node + 1] as usize {
                open.push((child, [string.as_slice(), &[self.labels[child]]].concat()));
            }
            Some(self.id(node).map(|id| (string, id)))
        })
        .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_and_prefixes_are_found() {
        let words: [&[u8]; 7] = [b"rain", b"ra", b"sun", b"", b"r", b"ra", b"\xff"];
        let trie = Trie::new(&words);
        assert_eq!(["rain", "ra", "sun", "", "r"].map(|word| trie.find(word.as_bytes())), [0, 5, 2, 3, 4].map(Some));
        assert_eq!(["rai", "x", "rains", "s"].map(|word| trie.find(word.as_bytes())), [None; 4]);
        let mut prefixes = Vec::new();
        trie.prefixes(b"rainy", |length, id| prefixes.push((length, id)));
        assert_eq!(prefixes, [(1, 4), (2, 5), (4, 0)]);
        let mut entries: Vec<_> = trie.entries().collect();
        entries.sort();
        let expected = [("", 3), ("r", 4), ("ra", 5), ("rain", 0), ("sun", 2)];
        assert_eq!(entries[..5], expected.map(|(word, id)| (word.as_bytes().to_vec(), id)));
        assert_eq!(entries[5], (vec![0xff], 6));
        assert_eq!(Trie::new(&[]).find(b""), None);
    }
}
