//! Splits the outlier features of feed-forward blocks into copies.
//!
//! In most BERT models, a few features behind the activation function take values ten times as large as all others, and their
//! weights are large too. One scale per tensor, or one per row of weights, leaves the other features few integers. Copies of
//! such a feature share its weights, so that each of them is as small as the other features.

use super::calibrate::Observers;
use super::options::Options;
use super::units::units;
use crate::bert::Bert;
use crate::kernels::LANES;

/// Features are outliers from this multiple of the median magnitude on.
const OUTLIER: f32 = 4.0;

/// Copies the outlier features of every feed-forward block of `bert`, as [`Options::outlier_copies`] allows. Changes the
/// observers of these features alike. Returns `None` if there is nothing to copy.
///
/// All blocks grow to the same size, a multiple of [`LANES`] if the old size is one.
pub fn copy_outliers(bert: &Bert, observers: &mut Observers, options: &Options) -> Option<Bert> {
    let config = bert.config();
    let most = (options.outlier_copies * config.intermediate as f32) as usize / LANES * LANES;
    let units = units(config).into_iter();
    let blocks: Vec<_> =
        units.filter(|unit| unit.name.ends_with(".output.dense") && !unit.name.contains("attention")).collect();
    let magnitudes: Vec<Vec<f32>> = blocks
        .iter()
        .map(|unit| match options.ignored.contains(&unit.name) {
            true => vec![0.0; config.intermediate],
            false => {
                magnitudes(&observers[&unit.input].channel_ranges(), bert.weight(&format!("{}.weight", unit.name)))
            }
        })
        .collect();
    let wanted = magnitudes.iter().map(|magnitudes| wanted_copies(magnitudes)).max().unwrap_or(0);
    let added = wanted.next_multiple_of(LANES).min(most);
    if added == 0 {
        return None;
    }
    let copies: Vec<Vec<usize>> = magnitudes.iter().map(|magnitudes| share_out(magnitudes, added)).collect();
    for (unit, copies) in blocks.iter().zip(&copies) {
        let observer = observers[&unit.input].with_copies(copies);
        observers.insert(unit.input.clone(), observer);
    }
    Some(bert.with_copied_features(&copies))
}

/// The magnitude of every feature: its largest value times its largest weight, which no smoothing changes. `weights` are
/// `[out, features]`.
fn magnitudes(ranges: &[(f32, f32)], weights: &[f32]) -> Vec<f32> {
    let mut largest = vec![0.0f32; ranges.len()];
    for row in weights.chunks_exact(ranges.len()) {
        largest.iter_mut().zip(row).for_each(|(largest, w)| *largest = largest.max(w.abs()));
    }
    ranges.iter().zip(largest).map(|((low, high), weight)| high.max(-low) * weight).collect()
}

/// The number of copies to add so that no copy's magnitude is more than [`OUTLIER`] times the median of `magnitudes`.
fn wanted_copies(magnitudes: &[f32]) -> usize {
    let mut sorted = magnitudes.to_vec();
    sorted.sort_by(f32::total_cmp);
    let limit = OUTLIER * sorted[sorted.len() / 2];
    let added = |magnitude: &f32| match limit > 0.0 {
        true => (magnitude / limit).ceil().max(1.0) as usize - 1,
        false => 0,
    };
    magnitudes.iter().map(added).fold(0, usize::saturating_add)
}

/// How many copies every feature gets if `added` copies are added, so that the largest magnitude of a copy is least.
fn share_out(magnitudes: &[f32], added: usize) -> Vec<usize> {
    let mut copies = vec![1; magnitudes.len()];
    for _ in 0..added {
        let share = |at: &usize| magnitudes[*at] / copies[*at] as f32;
        let largest = (0..copies.len()).max_by(|a, b| share(a).total_cmp(&share(b)));
        copies[largest.unwrap_or(0)] += 1;
    }
    copies
}

#[cfg(test)]
mod tests {
    use super::super::calibrate::calibrate;
    use super::*;
    use crate::bert::{BertConfig, random_bert};
    use crate::text::Tokens;

    #[test]
    fn copies_go_to_the_largest_features() {
        assert_eq!(share_out(&[1.0, 30.0, 2.0, 9.0], 5), [1, 5, 1, 2]);
        assert_eq!(share_out(&[0.0, 0.0], 8).iter().sum::<usize>(), 10);
        assert_eq!(wanted_copies(&[1.0, 1.0, 40.0, 1.0, 5.0]), 10);
        assert_eq!(wanted_copies(&[1.0, 1.5, 3.9]), 0);
        assert_eq!(wanted_copies(&[0.0, 0.0, 3.0]), 0, "a feature among zeros");
        assert_eq!(magnitudes(&[(-0.1, 3.0), (-5.0, 1.0)], &[1.0, 0.5, -2.0, 0.25]), [6.0, 2.5]);
    }

    #[test]
    fn only_models_with_outliers_grow_and_no_further_than_allowed() {
        let bert = random_bert(BertConfig { intermediate: 256, ..BertConfig::tiny() }, 1).unwrap();
        let samples = [Tokens { ids: (0..20).collect(), types: vec![0; 20], truncated: false }];
        let (mut observers, _) = calibrate(&bert, &samples, |_| ()).unwrap();
        let grown = |observers: &mut Observers, share| {
            let options = Options { outlier_copies: share, ..Options::default() };
            copy_outliers(&bert, observers, &options).map(|bert| bert.config().intermediate)
        };
        assert_eq!(grown(&mut observers.clone(), 1.0), None);
        // One value of one feature becomes 100 times as large as all others.
        let name = "encoder.layer.1.intermediate.activation";
        let observer = observers.get_mut(name).unwrap();
        let mut row = vec![0.0; 256];
        row[9] = 100.0 * observer.channel_ranges().iter().fold(0.0f32, |max, range| max.max(range.1));
        observer.observe(&row, name).unwrap();
        assert_eq!(grown(&mut observers.clone(), 0.0), None);
        assert_eq!(grown(&mut observers.clone(), 0.07), Some(272));
        assert_eq!(grown(&mut observers, 0.07), Some(272));
        assert_eq!(observers[name].channels(), 272);
        // The middle one of the 17 copies has no offset.
        assert_eq!(observers[name].rounding_offsets().iter().filter(|offset| **offset != 0.0).count(), 16);
    }
}
