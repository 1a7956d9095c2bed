use super::*;
use crate::safetensors::SafeTensorsReport;

/// Relative tolerance for single precision.
const TOLERANCE: f64 = 1e-6;

#[test]
fn a_path_integral_of_another_program_is_consolidated_by_the_method() {
    let path_integral = [0.5, 1.0, 0.0, 2.0, 4.0, 0.25];
    let anchor = [1.0, 1.5, 3.0, 4.0, 4.0, 6.0];
    let tensors = [
        ("weight.anchor", Dtype::F32, &[3, 2][..], f32s(&anchor)),
        (
            "weight.path_integral",
            Dtype::F32,
            &[3, 2],
            f32s(&path_integral),
        ),
    ];
    let mut learner = linear();
    learner
        .load_safetensors(&file(&tensors, &[]), WeightLayout::Burn)
        .expect("read");
    assert_eq!(learner.regularizer().task(), 0);
    assert_eq!(learner.end_task(), None);
    let importance = &state(&learner)[0].2;
    let squared_displacement = [0.0, 0.25, 0.0, 0.0, 1.0, 0.0];
    for (index, importance) in importance.iter().enumerate() {
        let wanted = f64::from(path_integral[index]) / (squared_displacement[index] + 0.01);
        assert!(
            (importance - wanted).abs() <= TOLERANCE * wanted,
            "{importance}"
        );
    }
}

#[test]
fn importance_alone_is_anchored_at_the_present_parameters() {
    let bytes = file(&[weight_importance(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0])], &[]);
    let mut learner = linear();
    let report = learner
        .load_safetensors(&bytes, WeightLayout::PyTorch)
        .expect("read");
    let missing = [
        "weight.anchor",
        "weight.path_integral",
        "bias.importance",
        "bias.anchor",
        "bias.path_integral",
    ];
    let wanted = SafeTensorsReport {
        taken: vec!["weight.importance".to_string()],
        missing: missing.map(String::from).to_vec(),
        ..SafeTensorsReport::default()
    };
    assert_eq!(report, wanted);
    let wanted: [Part; 3] = [
        (
            "importance",
            "weight".to_string(),
            vec![0.0, 3.0, 1.0, 4.0, 2.0, 5.0],
        ),
        (
            "anchor",
            "weight".to_string(),
            vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        ),
        ("path_integral", "weight".to_string(), Vec::new()),
    ];
    assert_eq!(state(&learner), wanted);
    assert_eq!(learner.regularizer().task(), 1);
}

#[test]
fn a_file_that_python_wrote_is_read() {
    // safetensors 0.8.0 for Python: safetensors.numpy.save({
    //   "weight.importance": numpy.array([[1, 2, 3], [4, 5, 6]], numpy.float32),
    //   "bias.importance": numpy.array([0.5, 0.25], numpy.float64),
    // }, metadata={"format": "np", "task": "3"})
    let header = concat!(
        r#"{"__metadata__":{"format":"np","task":"3"},"#,
        r#""bias.importance":{"dtype":"F64","shape":[2],"data_offsets":[0,16]},"#,
        r#""weight.importance":{"dtype":"F32","shape":[2,3],"data_offsets":[16,40]}}"#,
    );
    let length = header.len().next_multiple_of(8);
    let mut bytes = (length as u64).to_le_bytes().to_vec();
    bytes.extend(format!("{header:length$}").into_bytes());
    bytes.extend([0.5_f64, 0.25].into_iter().flat_map(f64::to_le_bytes));
    bytes.extend(f32s(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));

    let mut learner = linear();
    let report = learner
        .load_safetensors(&bytes, WeightLayout::PyTorch)
        .expect("read");
    assert_eq!(report.taken, ["weight.importance", "bias.importance"]);
    assert_eq!(learner.regularizer().task(), 3);
    let state = state(&learner);
    assert_eq!(state[0].2, [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    assert_eq!(state[3].2, [0.5, 0.25]);
}

#[test]
fn numbers_of_each_precision_are_read() {
    use burn::tensor::{bf16, f16};
    let numbers = [0.5_f32, 0.0, 1.25, 3.0, -2.0, 96.0];
    let cases = [
        (Dtype::F32, f32s(&numbers)),
        (
            Dtype::F64,
            numbers
                .iter()
                .flat_map(|it| f64::from(*it).to_le_bytes())
                .collect(),
        ),
        (
            Dtype::F16,
            numbers
                .iter()
                .flat_map(|it| f16::from_f32(*it).to_le_bytes())
                .collect(),
        ),
        (
            Dtype::BF16,
            numbers
                .iter()
                .flat_map(|it| bf16::from_f32(*it).to_le_bytes())
                .collect(),
        ),
    ];
    for (precision, bytes) in cases {
        let bytes = file(&[("weight.importance", precision, &[3, 2], bytes)], &[]);
        let mut learner = linear();
        learner
            .load_safetensors(&bytes, WeightLayout::Burn)
            .expect("read");
        assert_eq!(state(&learner)[0].2, numbers.map(f64::from), "{precision}");
    }
}

#[test]
fn tensors_that_are_not_state_of_a_consolidated_parameter_are_named() {
    let tensors = [
        weight_importance(&[1.0; 6]),
        ("bias.importance", Dtype::F32, &[2], f32s(&[1.0; 2])),
        ("weight", Dtype::F32, &[2, 3], f32s(&[1.0; 6])),
        ("step", Dtype::I64, &[], 5_i64.to_le_bytes().to_vec()),
    ];
    let bytes = file(&tensors, &[("strength", "0.25")]);
    let mut learner = linear();
    let bias = learner.bias.take().expect("a bias");
    learner.bias = Some(bias.set_require_grad(false));
    let report = learner
        .load_safetensors(&bytes, WeightLayout::PyTorch)
        .expect("read");
    assert_eq!(report.taken, ["weight.importance"]);
    assert_eq!(report.ignored, ["bias.importance", "step", "weight"]);
    assert_eq!(report.strength, Some(0.25));
    assert_eq!(learner.regularizer().config().strength, 0.5);
}

#[test]
fn parameters_that_a_file_does_not_name_keep_their_state() {
    let mut learner = linear_with_state();
    let before = state(&learner);
    let bias = ("bias.importance", Dtype::F32, &[2][..], f32s(&[1.0; 2]));
    learner
        .load_safetensors(&file(&[bias], &[]), WeightLayout::Burn)
        .expect("read");
    let after = state(&learner);
    assert_eq!(after.len(), 6);
    assert!(before.iter().all(|part| after.contains(part)));
    assert_eq!(learner.regularizer().task(), 2);
}
