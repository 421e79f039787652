//! How the numbers are computed. Headings of tables link here.

/// A number: its anchor, the headings of columns that show it, its name, and how it is computed.
struct Formula {
    anchor: &'static str,
    columns: &'static [&'static str],
    name: &'static str,
    formula: &'static str,
    words: &'static str,
}

const FORMULAS: [Formula; 11] = [
    Formula {
        anchor: "sqnr",
        columns: &["SQNR (dB)", "As written", "Before correction", "Plain", "Matmul SQNR (dB)"],
        name: "SQNR, the signal-to-quantization-noise ratio",
        formula: "SQNR = 10 · log₁₀( Σ x² / Σ (x − y)² )",
        words: "x are the FP32 values, y those of INT8, over all texts and outputs. More is better: at 20 dB the noise is a tenth \
                of the signal, at 40 dB a hundredth; one bit is worth 6 dB. No noise has no number.",
    },
    Formula {
        anchor: "agreement",
        columns: &["Flips"],
        name: "Agreement and flips",
        formula: "agreement = 1 − flips / texts",
        words: "A text flips if INT8 decides otherwise than FP32: another label has the largest logit, or a label's probability \
                is on the other side of 0.5. The interval of the share that flips is Wilson's, at 95 %.",
    },
    Formula {
        anchor: "margin",
        columns: &["Margin in FP32", "Margin in INT8", "Change"],
        name: "Margin",
        formula: "margin = z[d] − max( z[j], j ≠ d )",
        words: "z are the logits, and d is the label that FP32 decides for, also for the margin in INT8. For labels that apply \
                independently, it is the least distance of a logit from 0. A negative margin is a flip. A text can flip if its \
                margin in FP32 is smaller than what INT8 changes.",
    },
    Formula {
        anchor: "damage",
        columns: &["Damage: SQNR alone (dB)"],
        name: "Damage of a part",
        formula: "SQNR of the logits if this part alone is INT8",
        words: "The fewer decibels, the more damage. Noise of several parts adds up, so all parts together have fewer decibels \
                than any of them.",
    },
    Formula {
        anchor: "cost",
        columns: &["In FP32 it adds"],
        name: "Cost of a part in FP32",
        formula: "cost = bytes of its tensors in FP32 − bytes in INT8",
        words: "An FP32 layer is also slower, up to four times; bert8 bench measures a file.",
    },
    Formula {
        anchor: "size",
        columns: &["FP32", "INT8"],
        name: "Size",
        formula: "bytes = rows · columns · (4 in FP32, 1 in INT8) + scales and biases",
        words: "INT8 weights have one FP32 scale per output channel, tables of embeddings one per row.",
    },
    Formula {
        anchor: "matmul",
        columns: &["Shift, smoothing, rounding", "Correction", "RMS of correction"],
        name: "Matmuls",
        formula: "y[n] = ( Σₖ qa[k] · qw[k, n] − za · Σₖ qw[k, n] ) · sa · sw[n] + b[n]",
        words: "qa and qw are the integers of activation and weights, sa and sw their scales, za the zero point. Plain is the \
                SQNR without shift, smoothing and correction, rounded to the nearest; the columns after it are what the \
                methods changed, in dB.",
    },
    Formula {
        anchor: "scale",
        columns: &["Scale", "Zero point", "Range of the 8 bits", "Scales"],
        name: "Scale and zero point",
        formula: "q = clamp( round(x / scale) + zero point, 0, 255 )",
        words: "scale = (high − low) / 255 of the range. Weights are symmetric: scale = max |w| / 127 of a row, unless rounding \
                chooses a smaller one.",
    },
    Formula {
        anchor: "smoothing",
        columns: &["Shifted", "α", "Divisors"],
        name: "Shift and smoothing",
        formula: "x'[j] = ( x[j] − c[j] ) / s[j],  s[j] = max |x[j]|^α / max |w[j]|^(1 − α)",
        words: "c[j] is the middle of channel j's range (Outlier Suppression+), s[j] SmoothQuant's divisor; the weights are \
                multiplied by it.",
    },
    Formula {
        anchor: "clipped",
        columns: &["Clipped"],
        name: "Clipped",
        formula: "clipped = values outside the range of the integers / all values",
        words: "Over some calibration tokens. Values up to half a step outside are rounded, not clipped.",
    },
    Formula {
        anchor: "outliers",
        columns: &["Largest / median", "After smoothing", "Median channel", "Largest channels"],
        name: "Outliers",
        formula: "ratio = max over channels of max |x[j]| / median over channels of max |x[j]|",
        words: "One scale spans all channels, so at a ratio of r the median channel has about 127 / r of the integers on either \
                side of zero. After smoothing the ratio should be small.",
    },
];

/// Returns the anchor of the formula behind the column `name`, if there is one.
pub fn anchor(column: &str) -> Option<&'static str> {
    FORMULAS.iter().find(|formula| formula.columns.contains(&column)).map(|formula| formula.anchor)
}

pub fn section() -> String {
    let entry = |Formula { anchor, name, formula, words, .. }: &Formula| {
        format!("<div id=\"formula-{anchor}\"><dt>{name}</dt><dd><code>{formula}</code><br/>{words}</dd></div>\n")
    };
    format!("<dl class=\"formulas\">\n{}</dl>\n", FORMULAS.iter().map(entry).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::FORMULAS;
    use std::collections::HashSet;

    #[test]
    fn every_column_has_one_formula_and_needs_no_escaping() {
        let columns: Vec<_> = FORMULAS.iter().flat_map(|formula| formula.columns).collect();
        assert_eq!(columns.iter().collect::<HashSet<_>>().len(), columns.len());
        for formula in &FORMULAS {
            let text = [formula.anchor, formula.name, formula.formula, formula.words].concat();
            assert!(!text.contains(['<', '>', '&', '"']), "{text}");
        }
    }
}
