//! The mean of the rows of each sequence.

/// Writes the mean of the rows of each sequence to `out`, `[sequences, features]`. `rows` holds the sequences end to end,
/// `[tokens, features]`, and `ends[i]` is the end of sequence i among the tokens.
///
/// # Panics
/// If `ends` is not ascending up to the number of tokens, or `out` has the wrong length.
pub fn sequence_means(rows: &[f32], ends: &[usize], features: usize, out: &mut [f32]) {
    assert_eq!(out.len(), ends.len() * features, "one row for every sequence");
    assert!(
        ends.is_sorted() && ends.last().map(|end| end * features) == Some(rows.len()),
        "sequences cover the tokens"
    );
    let mut start = 0;
    for (&end, mean) in ends.iter().zip(out.chunks_exact_mut(features)) {
        mean.fill(0.0);
        for row in rows[start * features..end * features].chunks_exact(features) {
            mean.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
        }
        let count = (end - start) as f32;
        mean.iter_mut().for_each(|sum| *sum /= count);
        start = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sequence_has_its_own_mean() {
        let rows = [1.0, 10.0, 3.0, 20.0, 5.0, 60.0];
        let mut out = [f32::NAN; 4];
        sequence_means(&rows, &[2, 3], 2, &mut out);
        assert_eq!(out, [2.0, 15.0, 5.0, 60.0]);
    }
}
