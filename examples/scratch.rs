use bert8::{bert::*, engine::*};
use std::time::Instant;
fn main() {
    let b = import_folder(std::path::Path::new("/work/shared/models/minilm-l6-mrpc")).unwrap();
    let m = emit_fp32(&b);
    std::fs::write("/tmp/fp32.onnx", bert8::onnx::encode_model(&m)).unwrap();
    let t = Instant::now();
    let e = Engine::new(&m, &tract_onnx::onnx(), "x").unwrap();
    println!("typed {:?}", t.elapsed());
    for s in [54usize, 16, 128] {
        let ids: Vec<i64> = (0..s as i64).map(|i| 1000 + i * 7).collect();
        let types: Vec<i64> = (0..s).map(|i| (i > s / 2) as i64).collect();
        let mask = vec![1i64; s];
        let ti = TokenInputs { batch: 1, ids: &ids, mask: &mask, types: &types };
        let t = Instant::now();
        println!("{:?} first {:?}", e.run(&ti).unwrap(), t.elapsed());
        let t = Instant::now();
        for _ in 0..10 { e.run(&ti).unwrap(); }
        println!("s={s} {:?}", t.elapsed() / 10);
    }
}
