//! Families that need what BERT's encoder does not have.

/// A family that is not supported.
pub struct Unsupported {
    /// Its name.
    pub name: &'static str,
    /// The values of `model_type` in its configurations.
    pub model_types: &'static [&'static str],
    /// Words in the names of its ONNX exports.
    pub words: &'static [&'static str],
    /// What it would need.
    pub needs: &'static str,
}

/// All families that are refused by name.
pub const UNSUPPORTED: [Unsupported; 18] = [
    family("ALBERT", &["albert"], &["albert"], "layers that share one set of weights"),
    family("BART", &["bart"], &["bart"], "a decoder"),
    family("BigBird", &["big_bird"], &["big_bird"], "sparse attention"),
    family("ConvBERT", &["convbert"], &["convbert"], "convolutions"),
    family("DeBERTa", &["deberta", "deberta-v2"], &["deberta"], "attention with relative positions"),
    family("ERNIE", &["ernie"], &["ernie"], "embeddings of tasks"),
    family("FNet", &["fnet"], &["fnet"], "Fourier transforms"),
    family("Funnel Transformer", &["funnel"], &["funnel"], "layers that pool tokens"),
    family("LayoutLM", &["layoutlm"], &["layoutlm"], "embeddings of places on a page"),
    family("Longformer", &["longformer"], &["longformer"], "attention in windows"),
    family("MobileBERT", &["mobilebert"], &["mobilebert"], "bottlenecks around its layers"),
    family("ModernBERT", &["modernbert"], &["modernbert", "Wqkv"], "rotary positions and gated feed-forward blocks"),
    family("MPNet", &["mpnet"], &["mpnet"], "attention with a bias for relative positions"),
    family("Nyströmformer", &["nystromformer"], &["nystromformer"], "approximate attention"),
    family("SqueezeBERT", &["squeezebert"], &["squeezebert"], "grouped convolutions"),
    family("T5", &["t5"], &["t5"], "a decoder"),
    family("XLM-RoBERTa-XL", &["xlm-roberta-xl"], &[], "layers that normalize before the attention"),
    family("XLNet", &["xlnet"], &["xlnet", "rel_attn"], "attention with relative positions"),
];

const fn family(
    name: &'static str,
    model_types: &'static [&'static str],
    words: &'static [&'static str],
    needs: &'static str,
) -> Unsupported {
    Unsupported { name, model_types, words, needs }
}
