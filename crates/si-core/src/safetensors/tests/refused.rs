use std::error::Error as _;

use super::*;

#[test]
fn a_shape_that_differs_from_the_parameters_is_refused() {
    let bytes = file(&[weight_importance(&[1.0; 6])], &[]);
    assert_eq!(
        load_error(&bytes, WeightLayout::Burn).to_string(),
        "weight.importance must have the shape [3, 2] in the layout burn, got [2, 3]"
    );
    let wide = ("weight.anchor", Dtype::F32, &[6][..], f32s(&[1.0; 6]));
    assert_eq!(
        load_error(&file(&[wide], &[]), WeightLayout::PyTorch).to_string(),
        "weight.anchor must have the shape [2, 3] in the layout pytorch, got [6]"
    );
}

#[test]
fn numbers_that_are_not_floats_are_refused() {
    let bytes = [1_i32; 6].into_iter().flat_map(i32::to_le_bytes).collect();
    let integers = ("weight.importance", Dtype::I32, &[3, 2][..], bytes);
    assert_eq!(
        load_error(&file(&[integers], &[]), WeightLayout::Burn).to_string(),
        "weight.importance must have the type F64, F32, F16 or BF16, got I32"
    );
}

#[test]
fn numbers_that_are_not_finite_are_refused() {
    let numbers = [1.0, 2.0, f32::NAN, 4.0, 5.0, 6.0];
    assert_eq!(
        load_error(
            &file(&[weight_importance(&numbers)], &[]),
            WeightLayout::PyTorch
        )
        .to_string(),
        "weight.importance must hold finite numbers, got NaN at index 2 (as F32)"
    );
    let large = [1.0, 1e39, 1.0, 1.0, 1.0, 1.0_f64];
    let bytes = large.into_iter().flat_map(f64::to_le_bytes).collect();
    let large = ("weight.importance", Dtype::F64, &[3, 2][..], bytes);
    assert_eq!(
        load_error(&file(&[large], &[]), WeightLayout::Burn).to_string(),
        "weight.importance must hold finite numbers, got inf at index 1 (as F32)"
    );
}

#[test]
fn state_of_a_missing_parameter_is_refused() {
    let wrong = [
        weight_importance(&[1.0; 6]),
        ("fc1.weight.anchor", Dtype::F32, &[2, 3], f32s(&[1.0; 6])),
        ("importance", Dtype::F32, &[1], f32s(&[1.0])),
    ];
    assert_eq!(
        load_error(&file(&wrong, &[]), WeightLayout::PyTorch).to_string(),
        "the module has no parameter for fc1.weight.anchor, importance; \
         its parameters are weight, bias"
    );
}

#[test]
fn a_path_integral_without_an_anchor_is_refused() {
    let alone = (
        "weight.path_integral",
        Dtype::F32,
        &[3, 2][..],
        f32s(&[1.0; 6]),
    );
    assert_eq!(
        load_error(&file(&[alone], &[]), WeightLayout::Burn).to_string(),
        "weight.path_integral cannot be used without weight.anchor, \
         where the path began"
    );
}

#[test]
fn a_file_without_state_of_the_module_is_refused() {
    let weight = ("weight", Dtype::F32, &[3, 2][..], f32s(&[1.0; 6]));
    let wanted = "no tensor is the importance, anchor or path_integral of a consolidated \
                  parameter, such as \"weight.importance\"; a parameter is consolidated if it is \
                  trained and no policy excludes it";
    let error = load_error(&file(&[weight], &[]), WeightLayout::Burn);
    assert_eq!(error.to_string(), wanted);

    let bytes = linear_with_state()
        .to_safetensors(WeightLayout::Burn)
        .expect("written");
    let mut frozen = linear().freeze();
    let error = frozen.load_safetensors(&bytes, WeightLayout::Burn);
    assert!(matches!(error, Err(SafeTensorsError::Nothing { .. })));
}

#[test]
fn a_layout_other_than_that_of_the_file_is_refused() {
    let bytes = linear_with_state()
        .to_safetensors(WeightLayout::PyTorch)
        .expect("written");
    assert_eq!(
        load_error(&bytes, WeightLayout::Burn).to_string(),
        "the file is in the layout pytorch, but the layout burn was given"
    );
}

#[test]
fn invalid_metadata_is_refused() {
    for (key, value, expected) in [
        ("task", "-1", "a whole number from 0 to 2147483647"),
        ("task", "2147483648", "a whole number from 0 to 2147483647"),
        ("num_steps", "many", "a whole number from 0 to 2147483647"),
        ("strength", "strong", "a number"),
        ("damping", "", "a number"),
        ("layout", "jax", "burn or pytorch"),
        ("normalization", "Mean", "off, mean or largest"),
    ] {
        let bytes = file(&[weight_importance(&[1.0; 6])], &[(key, value)]);
        assert_eq!(
            load_error(&bytes, WeightLayout::PyTorch).to_string(),
            format!("the metadata's {key} must be {expected}, got {value:?}")
        );
    }
}

#[test]
fn bytes_that_are_cut_or_damaged_are_refused() {
    let bytes = linear_with_state()
        .to_safetensors(WeightLayout::Burn)
        .expect("written");
    for end in (0..bytes.len()).step_by(5) {
        let error = load_error(&bytes[..end], WeightLayout::Burn);
        assert!(matches!(error, SafeTensorsError::Format(_)), "{error:?}");
        assert!(error.source().is_some());
    }
    let mut long = bytes.clone();
    long.push(0);
    assert!(matches!(
        load_error(&long, WeightLayout::Burn),
        SafeTensorsError::Format(_)
    ));
    let mut huge = bytes;
    huge[..8].fill(0xff);
    assert!(matches!(
        load_error(&huge, WeightLayout::Burn),
        SafeTensorsError::Format(_)
    ));
}
