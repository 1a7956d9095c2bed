use safetensors::SafeTensors;

use super::*;

#[test]
fn bytes_are_those_of_the_format() {
    let bytes = linear_with_state()
        .to_safetensors(WeightLayout::Burn)
        .expect("written");
    let header = concat!(
        r#"{"__metadata__":{"damping":"0.01","format":"synaptic_intelligence","layout":"burn","#,
        r#""normalization":"off","num_steps":"0","si_core_version":""#,
        env!("CARGO_PKG_VERSION"),
        r#"","strength":"0.5","task":"2"},"#,
        r#""weight.anchor":{"dtype":"F32","shape":[3,2],"data_offsets":[0,24]},"#,
        r#""weight.importance":{"dtype":"F32","shape":[3,2],"data_offsets":[24,48]}}"#,
    );
    let length = header.len().next_multiple_of(8);
    let mut wanted = (length as u64).to_le_bytes().to_vec();
    wanted.extend(format!("{header:length$}").into_bytes());
    wanted.extend(f32s(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
    wanted.extend(f32s(&[0.0, 0.5, 1.0, 1.5, 2.0, 2.5]));
    assert_eq!(
        String::from_utf8_lossy(&bytes),
        String::from_utf8_lossy(&wanted)
    );
    assert_eq!(bytes, wanted);
}

#[test]
fn a_linear_weight_is_transposed_for_pytorch() {
    let bytes = linear_with_state()
        .to_safetensors(WeightLayout::PyTorch)
        .expect("written");
    let tensors = SafeTensors::deserialize(&bytes).expect("SafeTensors");
    let anchor = tensors.tensor("weight.anchor").expect("there");
    assert_eq!(anchor.shape(), [2, 3]);
    assert_eq!(anchor.data(), f32s(&[0.0, 2.0, 4.0, 1.0, 3.0, 5.0]));
}

#[test]
fn names_and_shapes_are_those_of_the_layout() {
    let learner = trained();
    let names = |layout| {
        let bytes = learner.to_safetensors(layout).expect("written");
        let tensors = SafeTensors::deserialize(&bytes).expect("SafeTensors");
        let shapes = tensors.iter().filter_map(|(name, view)| {
            let parameter = name.strip_suffix(".importance")?;
            Some((parameter.to_string(), view.shape().to_vec()))
        });
        let mut shapes: Vec<_> = shapes.collect();
        shapes.sort();
        shapes
    };
    let shapes = |shapes: &[(&str, &[usize])]| -> Vec<(String, Vec<usize>)> {
        let owned = |(name, shape): &(&str, &[usize])| (name.to_string(), shape.to_vec());
        shapes.iter().map(owned).collect()
    };
    assert_eq!(
        names(WeightLayout::Burn),
        shapes(&[
            ("activation.alpha", &[1]),
            ("convolution.weight", &[2, 1, 3, 3]),
            ("hidden.0.bias", &[2]),
            ("hidden.0.weight", &[3, 2]),
            ("normalisation.beta", &[2]),
            ("normalisation.gamma", &[2]),
            ("scale", &[2, 3]),
        ])
    );
    assert_eq!(
        names(WeightLayout::PyTorch),
        shapes(&[
            ("activation.weight", &[1]),
            ("convolution.weight", &[2, 1, 3, 3]),
            ("hidden.0.bias", &[2]),
            ("hidden.0.weight", &[2, 3]),
            ("normalisation.bias", &[2]),
            ("normalisation.weight", &[2]),
            ("scale", &[2, 3]),
        ])
    );
}

#[test]
fn a_regularizer_without_state_has_nothing_to_write() {
    let error = linear()
        .to_safetensors(WeightLayout::Burn)
        .expect_err("empty");
    assert!(matches!(error, SafeTensorsError::NoState), "{error}");
    // The state belongs to other parameters.
    let learner = linear_with_state();
    let error = learner
        .regularizer()
        .to_safetensors(&*linear(), WeightLayout::Burn);
    assert!(matches!(error, Err(SafeTensorsError::NoState)));
}
