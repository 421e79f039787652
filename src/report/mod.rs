//! What quantization did, for people: a summary in plain text, and a page of HTML with plots.
//!
//! ```
//! # fn show(quantized: bert8::quantize::QuantizedModel) -> std::io::Result<()> {
//! print!("{}", bert8::report::summary(&quantized.report));
//! std::fs::write("report.html", bert8::report::page(&quantized.report, "report.json"))
//! # }
//! ```

mod conclusion;
mod facts;
mod html;
mod number;
mod part;
mod text;

pub use facts::sensitivity;
pub use html::page;
pub use part::printable;
pub use text::summary;
