//! What a user is told, in one snapshot: each message with what provokes it.

use burn::grad_clipping::GradientClippingConfig;
use burn::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::module::{Module, Param, ParamGroup};
use burn::optim::{GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::{Tensor, activation};
use si_core::importance::{self, FisherLabels};
use si_core::optim::{Synaptic, TaskControl};
use si_core::{
    Checkpoint, ContinualLearner, Error, Importance, ParameterPolicy, QuadraticPenaltyConfig,
    SynapticIntelligenceConfig,
};

use crate::common::warnings::warnings;
use crate::lifecycle::network::{Network, device, layer, sgd, train, trained, wrapped};

#[derive(Module, Debug)]
struct Vector {
    weight: Param<Tensor<1>>,
}

impl Vector {
    fn new() -> Self {
        Self {
            weight: Param::from_tensor(Tensor::from_floats([0.5, 0.2], &device())),
        }
    }

    fn loss(&self) -> Tensor<1> {
        self.weight.val().square().sum()
    }

    /// The same parameter with another number of elements.
    fn resized(mut self, len: usize) -> Self {
        self.weight = self.weight.map(|weight| {
            let first = weight.inner().narrow(0, 0, 1);
            Tensor::from_inner(first.repeat_dim(0, len)).require_grad()
        });
        self
    }
}

fn steps(
    mut learner: ContinualLearner<Vector>,
    count: usize,
    factor: f32,
) -> ContinualLearner<Vector> {
    for _ in 0..count {
        let loss = |it: &Vector| it.loss().mul_scalar(factor);
        (learner, _) = learner.step(&mut SgdConfig::new().init(), 0.1, loss);
    }
    learner
}

/// The messages, under the situations that provoke them.
#[derive(Default)]
struct Page(String);

impl Page {
    fn add(&mut self, situation: &str, messages: impl IntoIterator<Item = String>) {
        self.0 += &format!("{situation}:\n");
        for message in messages {
            self.0 += &format!("    {message}\n");
        }
    }

    /// What is logged while `act` runs.
    fn warned<T>(&mut self, situation: &str, act: impl FnOnce() -> T) -> T {
        warnings();
        let result = act();
        self.add(situation, warnings());
        result
    }

    fn refused<T>(&mut self, situation: &str, result: Result<T, Error>) {
        self.add(situation, result.err().map(|error| error.to_string()));
    }
}

#[test]
fn every_message_says_what_happened_and_what_to_do() {
    let mut page = Page::default();
    steps_and_tasks(&mut page);
    identity_and_shape(&mut page);
    numbers(&mut page);
    measuring(&mut page);
    optimizer_with_the_method_inside(&mut page);
    records(&mut page);
    insta::assert_snapshot!(page.0);
}

fn steps_and_tasks(page: &mut Page) {
    page.warned("a task ends without a step", || {
        wrapped(Vector::new()).end_task()
    });
    page.warned("a task ends between `penalize` and `observe`", || {
        let vector = Vector::new();
        let si = SynapticIntelligenceConfig::new().init();
        let mut si = si.expect("it is valid");
        let grads = GradientsParams::from_grads(vector.loss().backward(), &vector);
        si.penalize(&vector, grads);
        si.consolidate(&vector)
    });
    page.warned("nothing was learnt in the first task", || {
        let mut learner = steps(wrapped(Vector::new()), 2, 0.0);
        learner.end_task();
        steps(learner, 2, 1.0).end_epoch()
    });
    let _ = page.warned("a policy selects nothing", || {
        let group = ParamGroup::from_predicate("wieght");
        let policies = vec![
            ParameterPolicy::path("wieght").exclude(),
            ParameterPolicy::group(group).exclude(),
        ];
        let config = SynapticIntelligenceConfig::new().with_policies(policies);
        ContinualLearner::new(Vector::new(), &config)
    });
}

fn identity_and_shape(page: &mut Page) {
    let mut network = Network::new(&device());
    network.heads[1] = network.heads[0].clone();
    page.warned("a layer is a clone of another", || wrapped(network));
    let mut learner = trained(&device(), 2);
    learner.end_task();
    learner.heads[0] = layer(4, 2, &device());
    page.warned("a head was replaced", || train(learner, &mut sgd(), 1, 0));
    for (situation, len) in [("a parameter has grown", 3), ("a parameter has shrunk", 1)] {
        let mut learner = steps(wrapped(Vector::new()), 2, 1.0);
        learner.end_task();
        *learner = learner.clone().into_inner().resized(len);
        page.warned(situation, || steps(learner, 1, 1.0));
    }
}

fn numbers(page: &mut Page) {
    page.warned("gradients are infinite", || {
        steps(wrapped(Vector::new()), 1, f32::INFINITY).end_task()
    });
    page.warned("gradients are infinite and clipped", || {
        let clipping = GradientClippingConfig::Value(0.1);
        let mut optimizer = SgdConfig::new().init().with_grad_clipping(clipping.init());
        let loss = |it: &Vector| it.loss().mul_scalar(f32::INFINITY);
        let (mut learner, _) = wrapped(Vector::new()).step(&mut optimizer, 0.1, loss);
        learner.end_task()
    });
    page.warned("the penalty overshoots", || {
        let config = SynapticIntelligenceConfig::new().with_strength(1e6);
        let learner = ContinualLearner::new(Vector::new(), &config);
        let mut learner = steps(learner.expect("it is valid"), 2, 1.0);
        learner.end_task();
        steps(learner, 20, 1.0).end_epoch()
    });
}

fn measuring(page: &mut Page) {
    let model = layer(2, 3, &device());
    let logits = |model: &burn::nn::Linear, x: &[f32; 2]| {
        model.forward(Tensor::<1>::from_floats(*x, &device()))
    };
    let log_likelihood =
        |model: &burn::nn::Linear, x: &[f32; 2]| activation::log_softmax(logits(model, x), 0);
    let example = [[0.0_f32, 1.0]];
    let zeros = |model: &burn::nn::Linear, x: &[f32; 2]| logits(model, x).mul_scalar(0.0);
    page.refused(
        "Fisher information of logits",
        importance::fisher(&model, example, zeros, FisherLabels::Exact),
    );
    let frozen = model.clone().freeze();
    page.refused(
        "Fisher information of a frozen module",
        importance::fisher(&frozen, example, log_likelihood, FisherLabels::Exact),
    );
    let label = &mut [7].into_iter();
    page.refused(
        "a label that the model does not have",
        importance::fisher(
            &model,
            example,
            log_likelihood,
            FisherLabels::Empirical(label),
        ),
    );
    page.refused(
        "a regression without variance",
        importance::fisher_of_regression(&model, example, logits, 0.0),
    );
    let nan = |model: &burn::nn::Linear, x: &[f32; 2]| logits(model, x).mul_scalar(f32::NAN);
    page.refused(
        "predictions that are not numbers",
        importance::fisher_of_regression(&model, example, nan, 1.0),
    );
    page.refused(
        "outputs that are not numbers",
        importance::sensitivity(&model, example, nan),
    );
    let ewc = || {
        QuadraticPenaltyConfig::ewc(1.0)
            .init()
            .expect("it is valid")
    };
    let vector = Vector::new();
    page.warned("importance of another module", || {
        ewc().consolidate(&vector, &importance::constant(&model))
    });
    page.warned("importance of nothing", || {
        ewc().consolidate(&vector, &Importance::default())
    });
}

fn optimizer_with_the_method_inside(page: &mut Page) {
    let fresh = |tasks: &TaskControl| {
        let config = SynapticIntelligenceConfig::new();
        let synaptic = Synaptic::new(SgdConfig::new().build(), &config, tasks);
        ModuleOptimizer::from(synaptic.expect("it is valid"))
    };
    let step = |optimizer: &mut ModuleOptimizer, vector: Vector| {
        let grads = GradientsParams::from_grads(vector.loss().backward(), &vector);
        optimizer.step(ModuleLearningRate::from(0.1), vector, grads)
    };
    let tasks = TaskControl::new();
    page.warned("a task ends before the optimizer has stepped", || {
        tasks.end_task()
    });
    let tasks = TaskControl::new();
    let vector = step(&mut fresh(&tasks), Vector::new());
    tasks.end_task();
    page.warned("the optimizer was replaced for a task", || {
        let mut optimizer = fresh(&tasks);
        let vector = step(&mut optimizer, vector);
        step(&mut optimizer, vector);
        tasks.end_task();
    });
}

fn records(page: &mut Page) {
    let mut learner = steps(wrapped(Vector::new()), 2, 1.0);
    learner.end_task();
    let optimizer = SgdConfig::new().init();
    let checkpoint = Checkpoint::new(&learner, &optimizer, &()).expect("it can be made");
    let config = SynapticIntelligenceConfig::new().with_strength(2.0);
    let other = ContinualLearner::new(Vector::new(), &config).expect("it is valid");
    let restored = page.warned("a checkpoint was made with another strength", || {
        checkpoint.restore(other, SgdConfig::new().init())
    });
    assert!(restored.is_ok());
    let frozen = wrapped(Vector::new().freeze());
    let restored = checkpoint.restore(frozen, SgdConfig::new().init());
    page.refused(
        "a layer was trained and is frozen",
        restored.map_err(Error::from),
    );
    let restored = checkpoint.restore(trained(&device(), 1), SgdConfig::new().init());
    page.refused(
        "a checkpoint is of another model",
        restored.map_err(Error::from),
    );
}

#[cfg(feature = "safetensors")]
#[test]
fn state_of_another_normalization_is_loaded_with_a_warning() {
    use si_core::safetensors::WeightLayout;
    use si_core::settings::Normalization;

    let learner = |normalization| {
        let config = SynapticIntelligenceConfig::new().with_normalization(normalization);
        ContinualLearner::new(Vector::new(), &config).expect("the config is valid")
    };
    let mut normalized = steps(learner(Normalization::Mean), 2, 1.0);
    normalized.end_task();
    let bytes = normalized.to_safetensors(WeightLayout::Burn);
    let bytes = bytes.expect("it has state");
    warnings();
    for normalization in [Normalization::Mean, Normalization::Off] {
        let mut other = learner(normalization);
        let report = other.load_safetensors(&bytes, WeightLayout::Burn);
        assert!(
            report
                .expect("it fits")
                .taken
                .contains(&"weight.importance".to_string())
        );
        let logged = warnings().join("\n");
        let warns = logged.contains("normalization `mean`, but that of the settings is `off`");
        assert_eq!(warns, normalization == Normalization::Off, "{logged}");
    }
}
