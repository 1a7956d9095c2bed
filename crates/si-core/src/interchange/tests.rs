use std::collections::HashMap;
use std::error::Error as _;
use std::fs;

use burn::backend::{Dispatch, TensorMetadata, tensor::FloatTensor};
use burn::module::{Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig, PRelu, PReluConfig};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{DType, Device, Shape, Tensor};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use crate::synapse::Synapse;
use crate::{
    ContinualLearner, HeldPrecision, Inert, Layout, SafeTensorsError, SafeTensorsReport,
    SynapticBackend, SynapticIntelligenceConfig,
};

const LEARNING_RATE: f64 = 0.05;
/// Of single precision, relative.
const TOLERANCE: f64 = 1e-6;

#[derive(Module, Debug)]
struct Network {
    convolution: Conv2d,
    normalisation: BatchNorm,
    hidden: Vec<Linear>,
    activation: PRelu,
    scale: Param<Tensor<2>>,
}

impl Network {
    fn new() -> Self {
        let device = device();
        let scale = Tensor::from_floats([[0.5, -1.0, 0.25], [2.0, 0.0, 1.0]], &device);
        Self {
            convolution: Conv2dConfig::new([1, 2], [3, 3]).init(&device),
            normalisation: BatchNormConfig::new(2).init(&device),
            hidden: vec![LinearConfig::new(3, 2).init(&device)],
            activation: PReluConfig::new().init(&device),
            scale: Param::from_tensor(scale),
        }
    }

    /// Pulls each parameter to a value of its own.
    fn loss(&self) -> Tensor<1> {
        let bias = self.hidden[0].bias.as_ref().expect("a bias");
        let pull = |parameter: Tensor<1>, target: f64| {
            (parameter.clone() - target).powi_scalar(2).sum() + parameter.sin().sum()
        };
        pull(self.convolution.weight.val().flatten(0, 3), 0.3)
            + pull(self.normalisation.gamma.val(), 0.8)
            + pull(self.normalisation.beta.val(), 0.1)
            + pull(self.hidden[0].weight.val().flatten(0, 1), -0.4)
            + pull(bias.val(), 0.2)
            + pull(self.activation.alpha.val(), 0.5)
            + pull(self.scale.val().flatten(0, 1), 0.7)
    }
}

fn device() -> Device {
    crate::test_device::device().autodiff()
}

fn config() -> SynapticIntelligenceConfig {
    SynapticIntelligenceConfig::new()
        .with_strength(0.5)
        .with_damping(0.01)
}

fn learner() -> ContinualLearner<Network> {
    ContinualLearner::new(Network::new(), &config()).expect("valid")
}

fn train(
    mut learner: ContinualLearner<Network>,
    optimizer: &mut ModuleOptimizer,
    num_steps: usize,
) -> ContinualLearner<Network> {
    for _ in 0..num_steps {
        let grads = GradientsParams::from_grads(learner.loss().backward(), &learner);
        learner = learner.optimize(optimizer, LEARNING_RATE, grads);
    }
    learner
}

/// After a task, and three steps into the second.
fn trained() -> ContinualLearner<Network> {
    let mut optimizer = AdamConfig::new().init();
    let mut learner = train(learner(), &mut optimizer, 5);
    learner.end_task();
    train(learner, &mut optimizer, 3)
}

/// The same module without state.
fn fresh(learner: &ContinualLearner<Network>) -> ContinualLearner<Network> {
    ContinualLearner::new((**learner).clone(), learner.regularizer().config()).expect("valid")
}

type Part = (&'static str, String, Vec<f64>);

/// All state, as numbers.
fn state<M: Module>(learner: &ContinualLearner<M>) -> Vec<Part> {
    let mut parts = Vec::new();
    for synapse in learner.regularizer().synapses() {
        let mut part = |name, primitive: Option<&FloatTensor<Dispatch>>| {
            let numbers = primitive.map(numbers::<Dispatch>).unwrap_or_default();
            parts.push((name, synapse.path().to_string(), numbers));
        };
        part("importance", synapse.importance());
        part("anchor", Some(synapse.anchor()));
        part("path_integral", synapse.path_integral());
    }
    parts
}

fn numbers<B: SynapticBackend>(primitive: &FloatTensor<B>) -> Vec<f64> {
    let flat = Shape::new([primitive.shape().num_elements()]);
    let tensor: Tensor<1> = B::tensor(B::float_reshape(primitive.clone(), flat));
    tensor.into_data().iter::<f64>().collect()
}

fn parameters(learner: &ContinualLearner<Network>) -> Vec<Vec<f64>> {
    let parameters: [Tensor<1>; 4] = [
        learner.convolution.weight.val().flatten(0, 3),
        learner.hidden[0].weight.val().flatten(0, 1),
        learner.normalisation.gamma.val(),
        learner.scale.val().flatten(0, 1),
    ];
    let numbers = parameters.map(|tensor| tensor.into_data().iter::<f64>().collect());
    numbers.to_vec()
}

/// A linear layer, `[3, 2]`, and a learner whose state is given.
fn linear() -> ContinualLearner<Linear> {
    let device = device();
    let layer = LinearConfig::new(3, 2).init(&device);
    let weight = Tensor::from_floats([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], &device);
    let layer = Linear {
        weight: Param::from_tensor(weight),
        ..layer
    };
    ContinualLearner::new(layer, &config()).expect("valid")
}

fn linear_with_state() -> ContinualLearner<Linear> {
    let mut learner = linear();
    let device = device().inner();
    let anchor = Tensor::<2>::from_floats([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]], &device);
    let importance = anchor.clone() * 0.5;
    let id = learner.weight.id;
    let synapse = Synapse {
        importance: Some(Dispatch::primitive(importance)),
        ..Synapse::new("weight".to_string(), Dispatch::primitive(anchor))
    };
    let regularizer = learner.regularizer_mut();
    regularizer.synapses.insert(id, synapse);
    regularizer.task = 2;
    learner
}

/// Bytes of a file as another program writes it.
fn file(tensors: &[(&str, Dtype, &[usize], Vec<u8>)], metadata: &[(&str, &str)]) -> Vec<u8> {
    let views = tensors.iter().map(|(name, precision, shape, bytes)| {
        let view = TensorView::new(*precision, shape.to_vec(), bytes).expect("a tensor");
        (name.to_string(), view)
    });
    let metadata: HashMap<String, String> = metadata
        .iter()
        .map(|(key, value)| (key.to_string(), value.to_string()))
        .collect();
    safetensors::serialize(views, Some(metadata)).expect("SafeTensors")
}

fn f32s(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().copied().flat_map(f32::to_le_bytes).collect()
}

/// The importance of the linear layer's weight, as PyTorch has it.
fn weight_importance(numbers: &[f32]) -> (&'static str, Dtype, &'static [usize], Vec<u8>) {
    ("weight.importance", Dtype::F32, &[2, 3], f32s(numbers))
}

fn load_error(bytes: &[u8], layout: Layout) -> SafeTensorsError {
    let mut learner = linear_with_state();
    let before = state(&learner);
    let error = learner.load_safetensors(bytes, layout);
    assert_eq!(state(&learner), before, "an error must change nothing");
    assert_eq!(learner.regularizer().task(), 2);
    error.expect_err("refused")
}

#[test]
fn bytes_should_be_those_of_the_format() {
    let bytes = linear_with_state()
        .to_safetensors(Layout::Burn)
        .expect("written");
    let header = concat!(
        r#"{"__metadata__":{"damping":"0.01","format":"synaptic_intelligence","layout":"burn","#,
        r#""num_steps":"0","si_core_version":""#,
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
fn pytorch_should_get_a_linear_weight_transposed() {
    let bytes = linear_with_state()
        .to_safetensors(Layout::PyTorch)
        .expect("written");
    let tensors = SafeTensors::deserialize(&bytes).expect("SafeTensors");
    let anchor = tensors.tensor("weight.anchor").expect("there");
    assert_eq!(anchor.shape(), [2, 3]);
    assert_eq!(anchor.data(), f32s(&[0.0, 2.0, 4.0, 1.0, 3.0, 5.0]));
}

#[test]
fn names_and_shapes_should_be_those_of_the_layout() {
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
        names(Layout::Burn),
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
        names(Layout::PyTorch),
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
fn state_should_come_back_to_the_bit_in_each_layout() {
    let learner = trained();
    for layout in [Layout::Burn, Layout::PyTorch] {
        let bytes = learner.to_safetensors(layout).expect("written");
        let mut other = fresh(&learner);
        let report = other.load_safetensors(&bytes, layout).expect("read");
        assert_eq!(state(&other), state(&learner));
        assert_eq!(other.to_safetensors(layout).expect("written"), bytes);
        assert_eq!(report.taken.len(), 7 * 3);
        let unused = "convolution.bias";
        let parts = ["importance", "anchor", "path_integral"];
        assert_eq!(report.missing, parts.map(|part| format!("{unused}.{part}")));
        assert_eq!(report.ignored, [""; 0]);
        assert_eq!(report.task, Some(1));
        assert_eq!(report.strength, Some(0.5));
        assert_eq!(report.damping, Some(0.01));
    }
}

#[test]
fn training_should_go_on_as_it_would_have() {
    let learner = trained();
    let bytes = learner.to_safetensors(Layout::PyTorch).expect("written");
    let mut other = fresh(&learner);
    other
        .load_safetensors(&bytes, Layout::PyTorch)
        .expect("read");
    let mut unread = fresh(&learner);

    let go_on = |learner: ContinualLearner<Network>| {
        let mut optimizer = AdamConfig::new().init();
        let mut learner = train(learner, &mut optimizer, 4);
        let inert = learner.end_task();
        (train(learner, &mut optimizer, 2), inert)
    };
    let (learner, inert) = go_on(learner);
    let (other, other_inert) = go_on(other);
    assert_eq!((inert, other_inert), (None, None));
    assert_eq!(state(&other), state(&learner));
    assert_eq!(parameters(&other), parameters(&learner));
    assert_eq!(other.regularizer().task(), 2);
    unread = go_on(unread).0;
    assert_ne!(parameters(&unread), parameters(&learner));
}

#[test]
fn a_path_integral_that_was_read_should_be_consolidated_without_another_step() {
    let mut learner = trained();
    let bytes = learner.to_safetensors(Layout::Burn).expect("written");
    let mut other = fresh(&learner);
    other.load_safetensors(&bytes, Layout::Burn).expect("read");
    assert_eq!(other.end_task(), learner.end_task());
    assert_eq!(state(&other), state(&learner));
    assert_eq!(other.end_task(), Some(Inert::NoStep));
}

#[test]
fn a_path_integral_of_another_program_should_be_consolidated_as_the_method_says() {
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
        .load_safetensors(&file(&tensors, &[]), Layout::Burn)
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
fn importance_alone_should_hold_parameters_where_they_are() {
    let bytes = file(&[weight_importance(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0])], &[]);
    let mut learner = linear();
    let report = learner
        .load_safetensors(&bytes, Layout::PyTorch)
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
fn a_file_that_python_wrote_should_be_read() {
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
        .load_safetensors(&bytes, Layout::PyTorch)
        .expect("read");
    assert_eq!(report.taken, ["weight.importance", "bias.importance"]);
    assert_eq!(learner.regularizer().task(), 3);
    let state = state(&learner);
    assert_eq!(state[0].2, [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    assert_eq!(state[3].2, [0.5, 0.25]);
}

#[test]
fn numbers_of_each_precision_should_be_taken() {
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
            .load_safetensors(&bytes, Layout::Burn)
            .expect("read");
        assert_eq!(state(&learner)[0].2, numbers.map(f64::from), "{precision}");
    }
}

#[test]
fn what_is_held_in_bf16_should_be_written_and_read_in_it() {
    if !device().supports_dtype(DType::BF16) {
        return;
    }
    let config = config().with_held_precision(HeldPrecision::Bf16);
    let learner = ContinualLearner::new(Network::new(), &config).expect("valid");
    let mut learner = train(learner, &mut AdamConfig::new().init(), 3);
    learner.end_task();
    let bytes = learner.to_safetensors(Layout::PyTorch).expect("written");
    let tensors = SafeTensors::deserialize(&bytes).expect("SafeTensors");
    assert!(tensors.iter().all(|(_, view)| view.dtype() == Dtype::BF16));
    let mut other = fresh(&learner);
    other
        .load_safetensors(&bytes, Layout::PyTorch)
        .expect("read");
    assert_eq!(state(&other), state(&learner));
}

#[test]
fn tensors_that_are_no_state_of_a_consolidated_parameter_should_be_named() {
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
        .load_safetensors(&bytes, Layout::PyTorch)
        .expect("read");
    assert_eq!(report.taken, ["weight.importance"]);
    assert_eq!(report.ignored, ["bias.importance", "step", "weight"]);
    assert_eq!(report.strength, Some(0.25));
    assert_eq!(learner.regularizer().config().strength, 0.5);
}

#[test]
fn parameters_that_a_file_does_not_name_should_keep_their_state() {
    let mut learner = linear_with_state();
    let before = state(&learner);
    let bias = ("bias.importance", Dtype::F32, &[2][..], f32s(&[1.0; 2]));
    learner
        .load_safetensors(&file(&[bias], &[]), Layout::Burn)
        .expect("read");
    let after = state(&learner);
    assert_eq!(after.len(), 6);
    assert!(before.iter().all(|part| after.contains(part)));
    assert_eq!(learner.regularizer().task(), 2);
}

#[test]
fn a_shape_that_is_not_the_parameters_should_be_refused() {
    let bytes = file(&[weight_importance(&[1.0; 6])], &[]);
    assert_eq!(
        load_error(&bytes, Layout::Burn).to_string(),
        "weight.importance must have the shape [3, 2] in the layout burn, got [2, 3]"
    );
    let wide = ("weight.anchor", Dtype::F32, &[6][..], f32s(&[1.0; 6]));
    assert_eq!(
        load_error(&file(&[wide], &[]), Layout::PyTorch).to_string(),
        "weight.anchor must have the shape [2, 3] in the layout pytorch, got [6]"
    );
}

#[test]
fn numbers_that_are_no_floats_should_be_refused() {
    let bytes = [1_i32; 6].into_iter().flat_map(i32::to_le_bytes).collect();
    let integers = ("weight.importance", Dtype::I32, &[3, 2][..], bytes);
    assert_eq!(
        load_error(&file(&[integers], &[]), Layout::Burn).to_string(),
        "weight.importance must be of F64, F32, F16 or BF16, got I32"
    );
}

#[test]
fn numbers_that_are_not_finite_should_be_refused() {
    let numbers = [1.0, 2.0, f32::NAN, 4.0, 5.0, 6.0];
    assert_eq!(
        load_error(&file(&[weight_importance(&numbers)], &[]), Layout::PyTorch).to_string(),
        "weight.importance must hold finite numbers, got NaN at index 2 (as F32)"
    );
    let large = [1.0, 1e39, 1.0, 1.0, 1.0, 1.0_f64];
    let bytes = large.into_iter().flat_map(f64::to_le_bytes).collect();
    let large = ("weight.importance", Dtype::F64, &[3, 2][..], bytes);
    assert_eq!(
        load_error(&file(&[large], &[]), Layout::Burn).to_string(),
        "weight.importance must hold finite numbers, got inf at index 1 (as F32)"
    );
}

#[test]
fn state_of_a_parameter_that_is_not_there_should_be_refused() {
    let wrong = [
        weight_importance(&[1.0; 6]),
        ("fc1.weight.anchor", Dtype::F32, &[2, 3], f32s(&[1.0; 6])),
        ("importance", Dtype::F32, &[1], f32s(&[1.0])),
    ];
    assert_eq!(
        load_error(&file(&wrong, &[]), Layout::PyTorch).to_string(),
        "the module has no parameter for fc1.weight.anchor, importance; \
         its parameters are weight, bias"
    );
}

#[test]
fn a_path_integral_without_its_beginning_should_be_refused() {
    let alone = (
        "weight.path_integral",
        Dtype::F32,
        &[3, 2][..],
        f32s(&[1.0; 6]),
    );
    assert_eq!(
        load_error(&file(&[alone], &[]), Layout::Burn).to_string(),
        "weight.path_integral cannot be used without weight.anchor, \
         the place that the path began at"
    );
}

#[test]
fn a_file_that_says_nothing_of_the_module_should_be_refused() {
    let weight = ("weight", Dtype::F32, &[3, 2][..], f32s(&[1.0; 6]));
    let wanted = "no tensor is the importance, anchor or path_integral of a parameter that is \
                  consolidated, such as \"weight.importance\"; parameters must require gradients, \
                  and no policy may exclude them";
    let error = load_error(&file(&[weight], &[]), Layout::Burn);
    assert_eq!(error.to_string(), wanted);

    // In validation mode no parameter requires gradients.
    let bytes = linear_with_state()
        .to_safetensors(Layout::Burn)
        .expect("written");
    let mut validating = linear().valid();
    let error = validating.load_safetensors(&bytes, Layout::Burn);
    assert!(matches!(error, Err(SafeTensorsError::Nothing { .. })));
}

#[test]
fn a_layout_that_is_not_the_stated_one_should_be_refused() {
    let bytes = linear_with_state()
        .to_safetensors(Layout::PyTorch)
        .expect("written");
    assert_eq!(
        load_error(&bytes, Layout::Burn).to_string(),
        "the tensors are in the layout pytorch, and were to be read as burn"
    );
}

#[test]
fn metadata_that_cannot_be_should_be_refused() {
    for (key, value, expected) in [
        ("task", "-1", "a whole number from 0 to 2147483647"),
        ("task", "2147483648", "a whole number from 0 to 2147483647"),
        ("num_steps", "many", "a whole number from 0 to 2147483647"),
        ("strength", "strong", "a number"),
        ("damping", "", "a number"),
        ("layout", "jax", "burn or pytorch"),
    ] {
        let bytes = file(&[weight_importance(&[1.0; 6])], &[(key, value)]);
        assert_eq!(
            load_error(&bytes, Layout::PyTorch).to_string(),
            format!("the metadata's {key} must be {expected}, got {value:?}")
        );
    }
}

#[test]
fn bytes_that_are_cut_or_damaged_should_be_refused() {
    let bytes = linear_with_state()
        .to_safetensors(Layout::Burn)
        .expect("written");
    for end in (0..bytes.len()).step_by(5) {
        let error = load_error(&bytes[..end], Layout::Burn);
        assert!(matches!(error, SafeTensorsError::Format(_)), "{error:?}");
        assert!(error.source().is_some());
    }
    let mut long = bytes.clone();
    long.push(0);
    assert!(matches!(
        load_error(&long, Layout::Burn),
        SafeTensorsError::Format(_)
    ));
    let mut huge = bytes;
    huge[..8].fill(0xff);
    assert!(matches!(
        load_error(&huge, Layout::Burn),
        SafeTensorsError::Format(_)
    ));
}

#[test]
fn a_regularizer_without_state_should_have_nothing_to_write() {
    let error = linear().to_safetensors(Layout::Burn).expect_err("empty");
    assert!(matches!(error, SafeTensorsError::NoState), "{error}");
    // State that belongs to other parameters.
    let learner = linear_with_state();
    let error = learner
        .regularizer()
        .to_safetensors(&*linear(), Layout::Burn);
    assert!(matches!(error, Err(SafeTensorsError::NoState)));
}

#[test]
fn a_file_should_be_written_whole_and_read_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.safetensors");
    let learner = linear_with_state();
    fs::write(&path, "older").expect("written");
    learner
        .save_safetensors(&path, Layout::PyTorch)
        .expect("written");
    let bytes = learner.to_safetensors(Layout::PyTorch).expect("written");
    assert_eq!(fs::read(&path).expect("read"), bytes);
    let names: Vec<_> = fs::read_dir(&folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(names, ["state.safetensors"]);

    let mut other = linear();
    let report = other
        .load_safetensors_file(&path, Layout::PyTorch)
        .expect("read");
    assert_eq!(report.taken, ["weight.importance", "weight.anchor"]);
    assert_eq!(state(&other), state(&learner));
}

#[test]
fn errors_should_name_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("none").join("state.safetensors");
    let shown = path.display().to_string();
    let mut learner = linear_with_state();
    let error = learner.save_safetensors(&path, Layout::Burn);
    let error = error.expect_err("no folder").to_string();
    assert_eq!(error, format!("cannot write {shown}"));
    let error = learner.load_safetensors_file(&path, Layout::Burn);
    let error = error.expect_err("no file").to_string();
    assert_eq!(error, format!("cannot read {shown}"));

    let path = folder.path().join("state.safetensors");
    learner
        .save_safetensors(&path, Layout::Burn)
        .expect("written");
    let error = learner
        .load_safetensors_file(&path, Layout::PyTorch)
        .expect_err("another layout");
    let shown = path.display();
    assert_eq!(
        error.to_string(),
        format!("cannot take the state in {shown}")
    );
    let cause = error.source().expect("a cause").to_string();
    assert!(cause.contains("layout burn"), "{cause}");
}
