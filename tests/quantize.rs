//! Quantization through the library: models of every method answer almost as FP32 does, parts can stay in FP32, and accuracy
//! control meets its bound.

#![cfg(feature = "cli")]

mod common;

use bert8::activation::Activation;
use bert8::bert::{Bert, emit_fp32};
use bert8::metrics::{Target, argmax, sqnr_db};
use bert8::model::Model;
use bert8::onnx::{decode_model, encode_model};
use bert8::quantize::{
    AccuracyControl, CalibrationInfo, Format, IgnoredScope, Metric, Options, Preset, QuantizedModel, RangeEstimator,
    Rounding, Shift, Smoothing, layer_reports, quantize,
};
use bert8::text::Tokens;
use common::{tiny_bert, tiny_config, tiny_sequences};
use std::collections::BTreeMap;

const INFO: CalibrationInfo = CalibrationInfo { max_length: 9, seed: 0 };

fn bert() -> Bert {
    tiny_bert(tiny_config(Activation::Gelu, 3))
}

fn quantized(bert: &Bert, options: &Options, control: Option<&AccuracyControl>) -> QuantizedModel {
    quantize(bert, &tiny_sequences(40, 0), options, INFO, control, |_| ()).unwrap()
}

fn logits(onnx: Vec<u8>, samples: &[Tokens]) -> Vec<Vec<f32>> {
    let model = Model::from_bytes(onnx, "model").unwrap();
    samples.iter().map(|tokens| model.logits(tokens).unwrap()).collect()
}

fn fp32(bert: &Bert, samples: &[Tokens]) -> Vec<Vec<f32>> {
    logits(encode_model(&emit_fp32(bert)), samples)
}

/// A copy with the same answers whose values have one channel that is 300 times as large as the others. The next layer's
/// weights undo the factor.
fn with_outliers(bert: &Bert) -> Bert {
    let mut weights: BTreeMap<String, (Vec<usize>, Vec<f32>)> = BTreeMap::new();
    for (name, shape) in bert.config().tensor_shapes() {
        let mut values = bert.weight(&name).to_vec();
        let columns = *shape.last().unwrap();
        if name.contains("attention.self.value") {
            // A row of the weight, or one element of the bias.
            let row = if shape.len() == 2 { columns } else { 1 };
            values[3 * row..4 * row].iter_mut().for_each(|w| *w *= 300.0);
        }
        if name.ends_with("attention.output.dense.weight") {
            values.iter_mut().skip(3).step_by(columns).for_each(|w| *w /= 300.0);
        }
        weights.insert(name, (shape, values));
    }
    Bert::new(bert.config().clone(), weights, "outliers").unwrap()
}

#[test]
fn models_of_every_method_are_fused_and_close_to_fp32() {
    let (bert, samples) = (bert(), tiny_sequences(30, 5));
    let exact = fp32(&bert, &samples).concat();
    let fast = Preset::Fast.options();
    let mut options = vec![Preset::Fast.options(), Preset::Balanced.options()];
    options.push(Options { range: RangeEstimator::Search, ..Options::default() });
    let ranges =
        [RangeEstimator::MinMax, RangeEstimator::Percentile(99.9), RangeEstimator::Mse, RangeEstimator::Entropy];
    options.extend(ranges.map(|range| Options { range, ..fast.clone() }));
    options.extend([Rounding::Mse, Rounding::Gptq].map(|rounding| Options { rounding, ..fast.clone() }));
    options.extend([Smoothing::Off, Smoothing::Fixed(0.5)].map(|smoothing| Options { smoothing, ..fast.clone() }));
    options.push(Options { shift: Shift::On, ..fast.clone() });
    options.push(Options { symmetric: true, bias_correction: false, ..fast });
    for options in options {
        let int8 = quantized(&bert, &options, None);
        let model = Model::from_bytes(int8.onnx.clone(), "int8").unwrap();
        assert!(model.fused().complete() && model.fused().float_products == 0, "{options:?}: {:?}", model.fused());
        let db = sqnr_db(&exact, &logits(int8.onnx, &samples).concat()).unwrap();
        assert!(db > 20.0, "{options:?}: {db} dB");
    }
}

#[test]
fn the_mean_of_every_logit_equals_that_of_fp32() {
    for labels in [1, 2, 7] {
        let (bert, samples) = (tiny_bert(tiny_config(Activation::Gelu, labels)), tiny_sequences(40, 0));
        let exact = fp32(&bert, &samples);
        // The mean over the calibration pairs of the FP32 logits less the INT8 logits, class by class.
        let errors = |onnx: Vec<u8>| -> Vec<f32> {
            let int8 = logits(onnx, &samples);
            let mean = |class: usize| exact.iter().zip(&int8).map(|(e, g)| e[class] - g[class]).sum::<f32>() / 40.0;
            (0..labels).map(mean).collect()
        };
        let fast = Preset::Fast.options();
        let without = quantized(&bert, &Options { bias_correction: false, ..fast.clone() }, None);
        assert!(without.report.classifier_correction.is_none());
        assert!(errors(without.onnx).iter().any(|error| error.abs() > 1e-4));

        let with = quantized(&bert, &fast, None);
        let found = with.report.classifier_correction.unwrap();
        assert!(found.correction.len() == labels && found.corrected_rmse < found.uncorrected_rmse, "{found:?}");
        let left = errors(with.onnx.clone());
        assert!(left.iter().all(|error| error.abs() < 1e-5), "{labels} labels: {left:?}");

        let qdq = quantized(&bert, &Options { format: Format::Qdq, ..fast.clone() }, None).onnx;
        let bias = |onnx: &[u8]| {
            let graph = decode_model(onnx, "test").unwrap().graph.unwrap();
            graph.initializer.into_iter().find(|tensor| tensor.name == "classifier.bias").unwrap().raw_data
        };
        assert_eq!(bias(&qdq), bias(&with.onnx));
        let new = bias(&with.onnx);
        let new = new.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
        let correction = new.zip(bert.weight("classifier.bias")).map(|(new, old)| new - old);
        for (added, reported) in correction.zip(&found.correction) {
            assert!((added - reported).abs() < 1e-6, "{added} {reported}");
        }
    }
}

#[test]
fn a_model_that_stays_in_fp32_keeps_its_biases() {
    let (bert, samples) = (bert(), tiny_sequences(10, 5));
    let ignored = IgnoredScope::new(vec!["*".to_owned()]);
    let same = quantized(&bert, &Options { ignored, ..Options::default() }, None);
    assert!(same.report.classifier_correction.is_none());
    assert_eq!(logits(same.onnx, &samples), fp32(&bert, &samples));
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let bert = bert();
    let options = Options { range: RangeEstimator::Search, ..Options::default() };
    assert_eq!(quantized(&bert, &options, None).onnx, quantized(&bert, &options, None).onnx);
}

#[test]
fn smoothing_removes_outlier_channels() {
    let (plain, samples) = (bert(), tiny_sequences(30, 5));
    let hard = with_outliers(&plain);
    let exact = fp32(&hard, &samples).concat();
    assert!(sqnr_db(&fp32(&plain, &samples).concat(), &exact).is_none_or(|db| db > 90.0));
    let db =
        |options: &Options| sqnr_db(&exact, &logits(quantized(&hard, options, None).onnx, &samples).concat()).unwrap();
    let off = Options { smoothing: Smoothing::Off, ..Preset::Fast.options() };
    let (without, with) = (db(&off), db(&Preset::Fast.options()));
    assert!(with > without + 6.0, "{with} {without}");
}

/// A copy with sharp attention, in which one channel of the keys is 100 times as large as the others, and the same channel of the
/// queries 100 times as small.
fn with_large_keys(bert: &Bert) -> Bert {
    let mut weights: BTreeMap<String, (Vec<usize>, Vec<f32>)> = BTreeMap::new();
    for (name, shape) in bert.config().tensor_shapes() {
        let mut values = bert.weight(&name).to_vec();
        let row = if shape.len() == 2 { shape[1] } else { 1 };
        for (side, factor) in [(".query.", 0.01), (".key.", 100.0)] {
            if name.contains(side) {
                values.iter_mut().for_each(|w| *w *= 4.0);
                values[2 * row..3 * row].iter_mut().for_each(|w| *w *= factor);
            }
        }
        weights.insert(name, (shape, values));
    }
    Bert::new(bert.config().clone(), weights, "keys").unwrap()
}

#[test]
fn queries_and_keys_are_smoothed_against_each_other() {
    let (hard, samples) = (with_large_keys(&bert()), tiny_sequences(30, 5));
    let exact = fp32(&hard, &samples).concat();
    for format in [Format::Integer, Format::Qdq] {
        let db = |smoothing| {
            let options = Options { smoothing, format, ..Preset::Fast.options() };
            sqnr_db(&exact, &logits(quantized(&hard, &options, None).onnx, &samples).concat()).unwrap()
        };
        let (without, with) = (db(Smoothing::Off), db(Smoothing::Fixed(0.95)));
        assert!(with > without + 6.0, "{format:?}: {with} {without}");
    }
}

#[test]
fn ignored_parts_stay_in_fp32_and_the_rest_runs_fused() {
    let (bert, samples) = (bert(), tiny_sequences(20, 2));
    let exact = fp32(&bert, &samples).concat();
    let all = Model::from_bytes(quantized(&bert, &Options::default(), None).onnx, "int8").unwrap();
    for (pattern, products, layers) in [
        ("layer.1.output.*", 1, 1),
        ("layer.0.attention.self.*", 4, 1),
        ("*.scores", 2, 0),
        ("embeddings.*", 0, 2),
        ("layer.0.*", 7, 1),
    ] {
        let ignored = IgnoredScope::new(vec![pattern.to_owned()]);
        let int8 = quantized(&bert, &Options { ignored, ..Options::default() }, None);
        let model = Model::from_bytes(int8.onnx.clone(), "int8").unwrap();
        let fused = model.fused();
        assert!(fused.complete(), "{pattern}: {fused:?}");
        assert_eq!((fused.float_products, fused.integer_layers), (products, layers), "{pattern}: {fused:?}");
        assert_eq!(fused.layers, all.fused().layers);
        assert!(sqnr_db(&exact, &logits(int8.onnx, &samples).concat()).unwrap() > 20.0, "{pattern}");
    }
    let nothing = Options { ignored: IgnoredScope::new(vec!["layer.7.*".to_owned()]), ..Options::default() };
    let error = quantize(&bert, &samples, &nothing, INFO, None, |_| ()).unwrap_err().to_string();
    assert!(error.contains("`layer.7.*` matches no part"), "{error}");
}

/// Sequences whose labels are the FP32 model's predictions.
fn labelled(bert: &Bert, salt: usize) -> Vec<(Tokens, Option<Target>)> {
    let samples = tiny_sequences(60, salt);
    let labels = fp32(bert, &samples);
    samples.into_iter().zip(labels).map(|(tokens, logits)| (tokens, Some(Target::Class(argmax(&logits))))).collect()
}

#[test]
fn accuracy_control_reverts_parts_until_the_bound_is_met() {
    let hard = with_outliers(&bert());
    let data = labelled(&hard, 3);
    let options =
        Options { smoothing: Smoothing::Off, range: RangeEstimator::Percentile(90.0), ..Preset::Fast.options() };
    for (metric, format) in [(Metric::Agreement, Format::Integer), (Metric::Accuracy, Format::Qdq)] {
        let options = Options { format, ..options.clone() };
        let control = AccuracyControl { metric, max_drop: 0.0, data: &data };
        let int8 = quantized(&hard, &options, Some(&control));
        let report = int8.report.control.unwrap();
        assert!(report.int8.value < 1.0 && !report.reverted.is_empty(), "the model is too easy: {report:?}");
        assert_eq!((report.fp32.value, report.result.value), (1.0, 1.0), "{report:?}");
        assert!(report.reverted.is_sorted_by(|a, b| a.damage >= b.damage));
        assert_eq!(report.result.bytes, int8.onnx.len());
        let samples: Vec<Tokens> = data.iter().map(|(tokens, _)| tokens.clone()).collect();
        for ((_, label), logits) in data.iter().zip(logits(int8.onnx, &samples)) {
            assert_eq!(Some(Target::Class(argmax(&logits))), *label);
        }
    }
}

#[test]
fn labelled_pairs_only_decide_which_parts_are_reverted() {
    let bert = bert();
    let plain = quantized(&bert, &Options::default(), None).onnx;
    for salt in [1, 2] {
        let data = labelled(&bert, salt);
        // The bound is met before any part is reverted.
        let control = AccuracyControl { metric: Metric::MacroF1, max_drop: 1.0, data: &data };
        assert_eq!(quantized(&bert, &Options::default(), Some(&control)).onnx, plain);
    }
    let nothing = AccuracyControl { metric: Metric::F1, max_drop: 0.0, data: &[] };
    let error = quantize(&bert, &tiny_sequences(3, 0), &Options::default(), INFO, Some(&nothing), |_| ()).unwrap_err();
    assert!(error.to_string().contains("labelled input"), "{error}");
}

#[test]
fn the_report_has_the_noise_of_every_layer() {
    let bert = bert();
    let int8 = quantized(&bert, &Options::default(), None);
    let layers = layer_reports(&bert, &int8.onnx, &tiny_sequences(5, 0)).unwrap();
    let names: Vec<&str> = layers.iter().map(|layer| layer.name.as_str()).collect();
    let expected =
        ["embeddings.LayerNorm", "encoder.layer.0.output.LayerNorm", "encoder.layer.1.output.LayerNorm", "logits"];
    assert_eq!(names, expected);
    assert!(layers.iter().all(|layer| layer.sqnr_db.is_some_and(|db| db > 15.0)), "{layers:?}");
    assert_eq!(int8.report.linears.len(), 12);
    for linear in &int8.report.linears {
        let measure = linear.measure.as_ref().unwrap();
        assert!(linear.int8 && measure.output_db > measure.plain_db && measure.output_db.unwrap() > 25.0, "{linear:?}");
    }
}
