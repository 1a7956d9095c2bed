//! All kinds of modules: policies for some parameters, frozen layers, buffers, heads that appear and grow, and
//! adapters.

use burn::backend::Dispatch;
use burn::lr_scheduler::constant::ConstantLr;
use burn::lr_scheduler::module_lr_scheduler::ModuleLrScheduler;
use burn::module::{Lora, Module, ModuleMapper, Param, ParamGroup};
use burn::nn::{BatchNorm, BatchNormConfig, Dropout, DropoutConfig, Linear, LinearConfig};
use burn::optim::{GradientsParams, SgdConfig};
use burn::store::ModuleRecord;
use burn::tensor::{Device, Int, Tensor};
use si_core::diagnostics::{Consolidation, ParameterCoverage};
use si_core::{
    ContinualLearner, Importance, ParameterPolicy, QuadraticPenaltyConfig,
    SynapticIntelligenceConfig, with_more_outputs,
};

use crate::common::warnings::warnings;

const LEARNING_RATE: f64 = 0.1;

/// Rounding of sums of a few terms in f32, in another order.
const TOLERANCE: f32 = 1e-5;

#[derive(Module, Debug)]
struct Network {
    body: Linear,
    norm: BatchNorm,
    dropout: Dropout,
    head: Linear,
}

/// Gives every parameter fixed numbers. The results must not depend on the generator, which all tests share. (With
/// some of its draws, gradient descent overshoots because of the importance.)
struct FixedValues;

impl ModuleMapper for FixedValues {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| {
            let phase =
                Tensor::<1, Int>::arange(0..tensor.shape().num_elements() as i64, &device());
            let values = phase.float().sin().reshape(tensor.shape()) * 0.7;
            values.detach().set_require_grad(tensor.is_require_grad())
        })
    }
}

impl Network {
    fn new(num_outputs: usize) -> Self {
        let device = device();
        let network = Self {
            body: LinearConfig::new(3, 4).init(&device),
            norm: BatchNormConfig::new(4).init(&device),
            dropout: DropoutConfig::new(0.0).init(),
            head: LinearConfig::new(4, num_outputs).init(&device),
        };
        network.map(&mut FixedValues)
    }

    fn loss(&self, step: usize) -> Tensor<1> {
        let phase = step as f32;
        let inputs = [[phase.sin(), 0.4, 1.0], [0.3, phase.cos(), -1.0]];
        let hidden = self
            .body
            .forward(Tensor::<2>::from_floats(inputs, &device()));
        let hidden = self.dropout.forward(self.norm.forward(hidden)).tanh();
        (self.head.forward(hidden) - 0.7).square().mean()
    }
}

fn device() -> Device {
    Device::flex().autodiff()
}

fn learner(module: Network, policies: Vec<ParameterPolicy>) -> ContinualLearner<Network> {
    let config = SynapticIntelligenceConfig::new()
        .with_strength(0.5)
        .with_damping(0.01)
        .with_policies(policies);
    ContinualLearner::new(module, &config).expect("the config is valid")
}

/// Takes three steps of a task, without ending it.
fn train(mut learner: ContinualLearner<Network>, task: usize) -> ContinualLearner<Network> {
    let mut optimizer = SgdConfig::new().init();
    for step in 3 * task..3 * (task + 1) {
        let loss = |network: &Network| network.loss(step);
        (learner, _) = learner.step(&mut optimizer, LEARNING_RATE, loss);
    }
    learner
}

fn learn(learner: ContinualLearner<Network>, task: usize) -> ContinualLearner<Network> {
    let mut learner = train(learner, task);
    learner.end_task();
    learner
}

fn paths(learner: &ContinualLearner<Network>) -> Vec<&str> {
    let synapses = learner.regularizer().synapses();
    synapses.into_iter().map(|it| it.path()).collect()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter().collect()
}

/// The importance of a parameter.
fn importance<const D: usize>(
    learner: &ContinualLearner<Network>,
    param: &Param<Tensor<D>>,
) -> Tensor<D> {
    let synapse = learner
        .regularizer()
        .synapse(param.id)
        .expect("it has state");
    synapse.importance().expect("a task has ended")
}

#[test]
fn buffers_and_frozen_layers_have_no_synapses() {
    let mut network = Network::new(2);
    network.body = network.body.no_grad();
    network.dropout = DropoutConfig::new(0.5).init();
    let learner = learn(learner(network, Vec::new()), 0);
    let trained = ["norm.gamma", "norm.beta", "head.weight", "head.bias"];
    assert_eq!(paths(&learner), trained);
}

#[test]
fn coverage_describes_each_parameter_before_the_first_step() {
    let mut network = Network::new(2);
    network.body = network.body.no_grad();
    let learner = learner(
        network,
        vec![
            ParameterPolicy::module("BatchNorm").exclude(),
            ParameterPolicy::path("head.*").with_strength(2.0),
            ParameterPolicy::path("*.bias").with_damping(0.1),
        ],
    );
    let on = |strength, damping| Consolidation::On { strength, damping };
    let coverage = learner.coverage();
    let parameters = coverage.parameters.iter();
    let by_path: Vec<_> = parameters
        .map(|it| (&it.path[..], it.consolidation.clone()))
        .collect();
    assert_eq!(
        by_path,
        [
            ("body.weight", Consolidation::Frozen),
            ("body.bias", Consolidation::Frozen),
            ("norm.gamma", Consolidation::Excluded),
            ("norm.beta", Consolidation::Excluded),
            ("norm.running_mean", Consolidation::Frozen),
            ("norm.running_var", Consolidation::Frozen),
            ("head.weight", on(2.0, 0.01)),
            ("head.bias", on(2.0, 0.1)),
        ]
    );
    let held: Vec<&str> = coverage.consolidated().map(|it| &it.path[..]).collect();
    assert_eq!(paths(&train(learner, 0)), held);
}

#[test]
fn policies_set_strength_and_damping_of_their_own_parameters_only() {
    let own = vec![
        ParameterPolicy::path("head.*").with_strength(2.0),
        ParameterPolicy::module("BatchNorm").exclude(),
        ParameterPolicy::path("body.*").with_damping(1.0),
    ];
    let network = Network::new(2);
    let train_both = |policies| learn(learner(network.clone(), policies), 0);
    let [common, own] = [Vec::new(), own].map(train_both);
    assert_eq!(
        paths(&own),
        ["body.weight", "body.bias", "head.weight", "head.bias"]
    );
    // The first task is the same under every policy. Importance is ω / (Δ² + ξ), so wherever ω is positive, a
    // larger ξ gives a smaller importance.
    let importances = |learner: &ContinualLearner<Network>| {
        let body = values(importance(learner, &learner.body.weight));
        (body, values(importance(learner, &learner.head.weight)))
    };
    let ((body, head), (own_body, own_head)) = (importances(&common), importances(&own));
    assert_eq!(head, own_head);
    assert!(body.iter().any(|importance| *importance > 0.0));
    for (importance, damped) in body.iter().zip(&own_body) {
        assert!(damped < importance || *importance == 0.0);
    }
    // With a task gradient of zero, the total is the penalty's gradient: 2 c Ω (θ − θ̃).
    for (mut learner, strength) in [(common, 0.5), (own, 2.0)] {
        let importance = importance(&learner, &learner.head.weight);
        let moved = learner.head.weight.val().inner() + 0.25;
        let id = learner.head.weight.id;
        learner.head.weight =
            Param::initialized(id, Tensor::from_inner(moved.clone()).require_grad());
        let mut grads = GradientsParams::new();
        grads.register::<2>(id, moved.zeros_like());
        let module = (*learner).clone();
        let grads = learner.regularizer_mut().penalize(&module, grads);
        let total = grads.get::<2>(id).expect("it was registered");
        let expected = importance.mul_scalar(2.0 * strength * 0.25);
        for (total, expected) in values(total).into_iter().zip(values(expected)) {
            assert!((total - expected).abs() <= TOLERANCE * expected.abs().max(1.0));
        }
        let penalty = learner.regularizer().penalty(&module).into_scalar::<f32>();
        let held = values(importance_sum(&learner, strength));
        assert!((penalty - held[0] * 0.25 * 0.25).abs() <= TOLERANCE * penalty);
    }
}

#[test]
fn a_group_selects_the_same_parameters_for_the_learning_rate_and_a_policy() {
    let device = device();
    let layers: Vec<Linear> = (0..2)
        .map(|_| LinearConfig::new(2, 2).init(&device))
        .collect();
    let regex = ParamGroup::from_regex(r"^[01]\.weight$").expect("the expression is valid");
    let last = ParamGroup::from_predicate("1.").exclude(ParamGroup::from_path("1.bias"));
    let ids = ParamGroup::ids_from_module(layers[0].clone());
    for (group, selected) in [
        (regex, vec!["0.weight", "1.weight"]),
        (last, vec!["1.weight"]),
        (ids, vec!["0.weight", "0.bias"]),
    ] {
        let policy = ParameterPolicy::group(group.clone()).exclude();
        let config = SynapticIntelligenceConfig::new();
        let learner = |config| ContinualLearner::new(layers.clone(), &config).expect("it is valid");

        let excluded = learner(config.clone().with_policies(vec![policy])).coverage();
        let excluded = excluded.parameters.into_iter();
        let excluded = excluded.filter(|it| it.consolidation == Consolidation::Excluded);
        assert_eq!(excluded.map(|it| it.path).collect::<Vec<_>>(), selected);

        let mut rates = ModuleLrScheduler::new(ConstantLr::from(LEARNING_RATE))
            .with_group(group, ConstantLr::from(0.0));
        let loss = |layers: &Vec<Linear>| {
            let inputs = Tensor::<2>::from_floats([[0.3, -0.8]], &device);
            let hidden = layers[0].forward(inputs).tanh();
            (layers[1].forward(hidden) - 3.0).square().mean()
        };
        let mut optimizer = SgdConfig::new().init();
        let (mut learner, _) = learner(config).step(&mut optimizer, rates.step(), loss);
        learner.end_task();
        // Without movement there is no importance.
        let unmoved = learner.diagnostics().parameters.into_iter();
        let unmoved = unmoved.filter(|it| it.importance_quantiles == Some([0.0; 6]));
        assert_eq!(unmoved.map(|it| it.path).collect::<Vec<_>>(), selected);
    }
}

#[test]
fn a_group_of_ids_selects_what_has_these_ids_in_a_loaded_record() {
    warnings();
    let (stored, fresh) = (Network::new(2), Network::new(2));
    let policies_for_head_of = |network: &Network| {
        let group = ParamGroup::ids_from_module(network.head.clone());
        vec![ParameterPolicy::group(group).with_strength(2.0)]
    };
    let strengths = |learner: &ContinualLearner<Network>| -> Vec<f64> {
        let coverage = learner.coverage();
        let strength = |it: &ParameterCoverage| match it.consolidation {
            Consolidation::On { strength, .. } => Some(strength),
            _ => None,
        };
        coverage.consolidated().filter_map(strength).collect()
    };
    let record = || learn(learner(stored.clone(), Vec::new()), 0).into_record();

    let with_ids_of_record = learner(fresh.clone(), policies_for_head_of(&stored));
    assert_eq!(warnings().len(), 1, "the fresh head has other ids");
    let loaded = with_ids_of_record.load_record(record());
    assert_eq!(strengths(&loaded), [0.5, 0.5, 0.5, 0.5, 2.0, 2.0]);
    assert!(warnings().is_empty());

    let with_fresh_ids = learner(fresh.clone(), policies_for_head_of(&fresh));
    assert_eq!(strengths(&with_fresh_ids), [0.5, 0.5, 0.5, 0.5, 2.0, 2.0]);
    assert!(warnings().is_empty());
    let loaded = with_fresh_ids.load_record(record());
    assert_eq!(strengths(&loaded), [0.5; 6]);
    assert_eq!(warnings().len(), 1, "the ids are those of the record now");
}

/// `c Σ Ω` of the head's weight, `[1]`.
fn importance_sum(learner: &ContinualLearner<Network>, strength: f32) -> Tensor<1> {
    importance(learner, &learner.head.weight)
        .sum()
        .mul_scalar(strength)
}

#[test]
fn new_head_starts_free_and_the_old_parameters_are_held() {
    let mut learner = learn(learner(Network::new(2), Vec::new()), 0);
    let old = values(importance(&learner, &learner.body.weight));
    learner.head = LinearConfig::new(4, 3).init(&device());
    learner = train(learner, 1);
    let synapse = learner.regularizer().synapse(learner.head.weight.id);
    assert!(
        synapse
            .expect("it was trained")
            .importance_primitive()
            .is_none()
    );
    assert_eq!(values(importance(&learner, &learner.body.weight)), old);
}

#[test]
fn head_that_grows_keeps_importance_of_old_outputs_and_frees_new_ones() {
    for trained_before_growth in [false, true] {
        let mut learner = learn(learner(Network::new(2), Vec::new()), 0);
        if trained_before_growth {
            learner = train(learner, 1);
        }
        let before = importance(&learner, &learner.head.weight);
        let bias = |learner: &ContinualLearner<Network>| {
            importance(learner, learner.head.bias.as_ref().expect("it has one"))
        };
        let bias_before = bias(&learner);
        learner.head = with_more_outputs(&learner.head, 3);
        learner.rebind();
        let after = importance(&learner, &learner.head.weight);
        assert_eq!(after.dims(), [4, 5]);
        assert_eq!(values(after.clone().slice([0..4, 0..2])), values(before));
        assert_eq!(values(after.slice([0..4, 2..5])), [0.0; 12]);
        assert_eq!(values(bias(&learner).narrow(0, 0, 2)), values(bias_before));
        assert_eq!(values(bias(&learner).narrow(0, 2, 3)), [0.0; 3]);
        // The new numbers are anchored at their current values.
        let synapse = learner.regularizer().synapse(learner.head.weight.id);
        let anchor = synapse.expect("it grew").anchor::<2>();
        let new = |tensor: Tensor<2>| values(tensor.slice([0..4, 2..5]));
        assert_eq!(new(anchor), new(learner.head.weight.val().inner()));

        let penalty = |learner: &ContinualLearner<Network>| {
            let penalty = learner.regularizer().penalty(&**learner);
            penalty.into_scalar::<f32>()
        };
        assert_eq!(penalty(&learner) > 0.0, trained_before_growth);
        learner = learn(learner, 2);
        let importance = values(importance(&learner, &learner.head.weight));
        assert!(importance.iter().any(|importance| *importance > 0.0));
    }
}

/// A module of heads, any of which may be removed.
#[derive(Module, Debug)]
struct Heads {
    heads: Vec<Linear>,
}

impl Heads {
    fn loss(&self) -> Tensor<1> {
        let inputs = Tensor::<2>::from_floats([[0.4, -1.0]], &device());
        let losses = self
            .heads
            .iter()
            .map(|head| (head.forward(inputs.clone()) - 0.7).square().mean());
        Tensor::cat(losses.collect(), 0).sum()
    }
}

fn heads_after_a_task() -> ContinualLearner<Heads> {
    let head = || LinearConfig::new(2, 2).with_bias(false).init(&device());
    let heads = Heads {
        heads: vec![head(), head()],
    };
    let config = SynapticIntelligenceConfig::new().with_damping(0.01);
    let mut learner = ContinualLearner::new(heads, &config).expect("the config is valid");
    let mut optimizer = SgdConfig::new().init();
    for _ in 0..3 {
        (learner, _) = learner.step(&mut optimizer, LEARNING_RATE, Heads::loss);
    }
    learner.end_task();
    learner
}

fn importance_of(learner: &ContinualLearner<Heads>, head: usize) -> Option<Vec<f32>> {
    let synapse = learner
        .regularizer()
        .synapse(learner.heads[head].weight.id)?;
    Some(values(synapse.importance::<2>()?))
}

#[test]
fn parameter_keeps_its_state_when_another_before_it_is_removed() {
    let mut learner = heads_after_a_task();
    let second = importance_of(&learner, 1);
    learner.heads.remove(0);
    learner.rebind();
    assert_eq!(importance_of(&learner, 0), second);
    let paths: Vec<&str> = (learner.regularizer().synapses().iter().map(|it| it.path())).collect();
    assert_eq!(paths, ["heads.0.weight"]);
}

#[test]
fn rebinding_after_a_step_takes_the_state_that_has_importance() {
    let mut learner = heads_after_a_task();
    let before = importance_of(&learner, 0);
    learner.heads[0] = with_more_outputs(&learner.heads[0], 0);
    let mut optimizer = SgdConfig::new().init();
    (learner, _) = learner.step(&mut optimizer, LEARNING_RATE, Heads::loss);
    assert_eq!(importance_of(&learner, 0), None);
    learner.rebind();
    assert_eq!(importance_of(&learner, 0), before);
    let synapse = learner.regularizer().synapse(learner.heads[0].weight.id);
    assert!(synapse.is_some_and(|synapse| synapse.path_integral_primitive().is_some()));
    assert_eq!(learner.regularizer().synapses().len(), 2);
}

#[test]
fn parameter_that_grows_under_its_id_keeps_its_state_on_step_load_and_task_end() {
    let grow = |learner: &mut ContinualLearner<Network>| {
        let larger = with_more_outputs(&learner.head, 1);
        let head = &mut learner.head;
        head.weight = Param::initialized(head.weight.id, larger.weight.val());
        head.bias = match (&head.bias, larger.bias) {
            (Some(bias), Some(larger)) => Some(Param::initialized(bias.id, larger.val())),
            _ => None,
        };
    };
    let mut stepped = train(learn(learner(Network::new(2), Vec::new()), 0), 1);
    grow(&mut stepped);
    let mut ended = stepped.clone();
    let record = stepped.clone().into_record().into_bytes();
    let record = ModuleRecord::from_bytes(record.expect("it can be written"));
    let fresh = learner(Network::new(3), Vec::new());
    let loaded = fresh.try_load_record(record.expect("it can be read"));

    let held = |learner: &ContinualLearner<Network>| {
        values(importance(learner, &learner.head.weight).slice([0..4, 0..2]))
    };
    let before = values(importance(&stepped, &stepped.head.weight));
    stepped = train(stepped, 2);
    assert_eq!(held(&stepped), before);
    assert_eq!(held(&loaded.expect("it fits")), before);
    assert_eq!(ended.end_task(), None);
    assert_eq!(importance(&ended, &ended.head.weight).dims(), [4, 3]);
}

#[test]
fn parameter_that_shrinks_starts_over() {
    let mut learner = learn(learner(Network::new(4), Vec::new()), 0);
    let id = learner.head.weight.id;
    learner.head = LinearConfig::new(4, 2).init(&device());
    learner.head.weight = Param::initialized(id, learner.head.weight.val());
    learner = train(learner, 1);
    let synapse = learner.regularizer().synapse(id).expect("it was trained");
    assert!(synapse.importance_primitive().is_none());
}

#[test]
fn pulls_grow_with_their_parameters() {
    let network = Network::new(2);
    let config = QuadraticPenaltyConfig::ewc(1.0);
    let mut ewc = config.init().expect("the config is valid");
    let information = |network: &Network| {
        let mut fisher = Importance::default();
        fisher.add(
            network.head.weight.id,
            network.head.weight.val().ones_like(),
        );
        fisher
    };
    ewc.consolidate(&network, &information(&network));
    let mut larger = network.clone();
    larger.head = with_more_outputs(&network.head, 1);
    ewc.rebind(&larger);
    let penalty = |network: &Network| ewc.penalty(network).into_scalar::<f32>();
    assert_eq!(penalty(&larger), 0.0);
    larger.head.weight = larger
        .head
        .weight
        .map(|weight| Tensor::from_inner(weight.inner() + 1.0).require_grad());
    // λ/2 Σ F: eight of the twelve weights are held back.
    assert_eq!(penalty(&larger), 4.0);
    ewc.consolidate(&larger, &information(&larger));
    let pull = ewc.pull(larger.head.weight.id).expect("it is held");
    assert_eq!(values(pull.precision::<2>()), [2.0, 2.0, 1.0].repeat(4));
}

#[test]
fn only_adapters_are_consolidated_and_have_state() {
    let adapted = || {
        let network = Network::new(2).apply_lora(Lora::new(2, 4.0));
        network.map(&mut FixedValues)
    };
    let network = adapted();
    let base = values(network.body.weight.base());
    let mut learner = learner(network, Vec::new());
    for task in 0..3 {
        learner = learn(learner, task);
    }
    assert_eq!(values(learner.body.weight.base()), base);
    let synapses = learner.regularizer().synapses();
    // Two factors for each of the two weights: 3 × 2, 2 × 4, 4 × 2 and 2 × 2 numbers.
    let sizes: Vec<usize> = (synapses.iter().map(|it| it.shape().num_elements())).collect();
    assert_eq!(sizes, [6, 8, 8, 4], "{:?}", paths(&learner));
    let is_held = |synapse: &&si_core::Synapse<Dispatch>| {
        let importance = synapse.importance::<2>().expect("tasks have ended");
        values(importance).iter().any(|it| *it > 0.0)
    };
    assert!(synapses.iter().any(is_held));

    let record = learner.clone().into_record().into_bytes();
    let record = ModuleRecord::from_bytes(record.expect("it can be written"));
    let fresh = self::learner(adapted(), Vec::new());
    let loaded = fresh.try_load_record(record.expect("it can be read"));
    let loaded = loaded.expect("it fits");
    assert_eq!(paths(&loaded), paths(&learner));
    let [next, resumed] = [learner, loaded].map(|learner| train(learner, 3));
    let output = |learner: &ContinualLearner<Network>| values(learner.valid().body.weight.val());
    assert!(output(&next).iter().all(|it| it.is_finite()));
    assert_eq!(output(&next), output(&resumed));
}
