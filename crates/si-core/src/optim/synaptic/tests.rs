//! What an adaptor does besides the arithmetic. The conformance suite compares the arithmetic with the other ways
//! to use the method.

use burn::module::{Module, Param, ParamGroup};
use burn::optim::momentum::MomentumConfig;
use burn::optim::{Adam, AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::Tensor;

use super::{Synaptic, TaskControl};
use crate::settings::{Accumulation, FirstTaskStart, Normalization};
use crate::test_device::{assert_same, device};
use crate::{
    ContinualLearner, Error, ParameterPolicy, SynapticIntelligence, SynapticIntelligenceConfig,
    TaskWarning,
};

const LEARNING_RATE: f64 = 0.1;

/// Two parameters, each of which may go without a gradient in a step.
#[derive(Module, Debug)]
struct Model {
    first: Param<Tensor<1>>,
    second: Param<Tensor<2>>,
}

#[derive(Clone, Copy)]
struct Uses {
    first: bool,
    second: bool,
}

const BOTH: Uses = Uses {
    first: true,
    second: true,
};
const FIRST: Uses = Uses {
    second: false,
    ..BOTH
};
const SECOND: Uses = Uses {
    first: false,
    ..BOTH
};

impl Model {
    fn new() -> Self {
        let device = &device().autodiff();
        Self {
            first: Param::from_tensor(Tensor::from_floats([0.5, -1.0, 2.0], device)),
            second: Param::from_tensor(Tensor::from_floats([[1.0, -0.25]], device)),
        }
    }

    /// The gradients of one step, which depend on where the model is.
    fn gradients(&self, uses: Uses, step: usize) -> GradientsParams {
        let target = (step as f64).sin();
        let mut loss = Tensor::zeros([1], &device().autodiff());
        if uses.first {
            loss = loss + (self.first.val() - target).powi_scalar(2).sum();
        }
        if uses.second {
            loss = loss + (self.second.val() * (1.0 + target)).powi_scalar(2).sum();
        }
        GradientsParams::from_grads(loss.backward(), self)
    }

    fn numbers(&self) -> Vec<f32> {
        let [first, second] = [self.first.val().into_data(), self.second.val().into_data()];
        first.iter::<f32>().chain(second.iter()).collect()
    }
}

/// A model, its optimizer and their tasks.
struct Student {
    model: Model,
    optimizer: ModuleOptimizer,
    tasks: TaskControl,
    step: usize,
}

impl Student {
    fn new(config: &SynapticIntelligenceConfig) -> Self {
        Self::with(&TaskControl::new(), config)
    }

    fn with(tasks: &TaskControl, config: &SynapticIntelligenceConfig) -> Self {
        Self {
            model: Model::new(),
            optimizer: adam(config, tasks),
            tasks: tasks.clone(),
            step: 0,
        }
    }

    fn learn(mut self, uses: Uses, steps: usize) -> Self {
        for _ in 0..steps {
            let grads = self.model.gradients(uses, self.step);
            self.model = self.optimizer.step(LEARNING_RATE, self.model, grads);
            self.step += 1;
        }
        self
    }

    /// The same model, with a new optimizer that has loaded the record of this one.
    fn reloaded(&self, tasks: &TaskControl, config: &SynapticIntelligenceConfig) -> Self {
        let bytes = self.optimizer.into_bytes().expect("it can be written");
        let optimizer = adam(config, tasks);
        Self {
            model: self.model.clone(),
            optimizer: optimizer.from_bytes(bytes).expect("it can be read"),
            tasks: tasks.clone(),
            step: self.step,
        }
    }

    fn regularizer(&self, config: &SynapticIntelligenceConfig) -> SynapticIntelligence {
        (self.tasks)
            .regularizer(&self.optimizer, &self.model, config)
            .expect("the config is valid")
    }
}

fn adam(config: &SynapticIntelligenceConfig, tasks: &TaskControl) -> ModuleOptimizer {
    synaptic(config, tasks).into()
}

fn synaptic(config: &SynapticIntelligenceConfig, tasks: &TaskControl) -> Synaptic<Adam> {
    Synaptic::new(AdamConfig::new().build(), config, tasks).expect("the config is valid")
}

fn config() -> SynapticIntelligenceConfig {
    SynapticIntelligenceConfig::new().with_damping(0.01)
}

fn moving_average() -> SynapticIntelligenceConfig {
    config().with_accumulation(Accumulation::MovingAverage { decay: 0.5 })
}

/// The same with a learner around the model: four tasks of three steps, without the last task's end.
fn learner(config: &SynapticIntelligenceConfig, uses: [Uses; 4]) -> Vec<f32> {
    let mut learner = ContinualLearner::new(Model::new(), config).expect("the config is valid");
    let mut optimizer = AdamConfig::new().init();
    for (task, uses) in uses.into_iter().enumerate() {
        if task > 0 {
            learner.end_task();
        }
        for step in 3 * task..3 * task + 3 {
            let grads = learner.gradients(uses, step);
            learner = learner.optimize(&mut optimizer, LEARNING_RATE, grads);
        }
    }
    learner.numbers()
}

#[test]
fn task_that_ended_is_consolidated_after_its_record_is_loaded() {
    let expected = learner(&config(), [BOTH; 4]);
    for resumes in [true, false] {
        let mut student = Student::new(&config());
        for task in 0..4 {
            student = student.learn(BOTH, 3);
            if task < 3 {
                student.tasks.end_task();
                let tasks = TaskControl::new();
                student = student.reloaded(&tasks, &config());
                if resumes {
                    assert_eq!(tasks.resume(&student.optimizer).ok(), Some(task + 1));
                    assert_eq!(tasks.task(), task + 1);
                }
            }
        }
        assert_same(&student.model.numbers(), &expected);
        assert_eq!(student.tasks.task(), 3);
    }
}

#[test]
fn optimizer_that_is_replaced_is_reported_at_the_tasks_end() {
    let mut student = Student::new(&config()).learn(BOTH, 3);
    assert_eq!(student.tasks.end_task(), None);
    let adam = Synaptic::new(AdamConfig::new().build(), &config(), &student.tasks);
    student.optimizer = adam.expect("the config is valid").into();
    student = student.learn(BOTH, 3);
    assert_eq!(student.tasks.end_task(), Some(TaskWarning::NoImportance));
    student = student.learn(BOTH, 3);
    assert_eq!(student.tasks.end_task(), None);
}

#[test]
fn task_may_end_between_a_load_and_the_next_step() {
    let expected = learner(&config(), [BOTH; 4]);
    let mut student = Student::new(&config());
    for task in 0..4 {
        student = student.learn(BOTH, 3);
        let tasks = TaskControl::new();
        student = student.reloaded(&tasks, &config());
        assert_eq!(tasks.resume(&student.optimizer).ok(), Some(task));
        if task < 3 {
            assert_eq!(tasks.end_task(), None);
            // Written and loaded once more before a step is taken.
            let tasks = TaskControl::new();
            student = student.reloaded(&tasks, &config());
            assert_eq!(tasks.resume(&student.optimizer).ok(), Some(task + 1));
            assert_eq!(tasks.end_task(), Some(TaskWarning::NoStep));
        }
    }
    assert_same(&student.model.numbers(), &expected);
}

#[test]
fn parameter_is_consolidated_once_for_each_task_that_did_not_use_it() {
    let uses = [BOTH, FIRST, FIRST, SECOND];
    let expected = learner(&moving_average(), uses);
    let mut student = Student::new(&moving_average());
    for (task, uses) in uses.into_iter().enumerate() {
        if task > 0 {
            student.tasks.end_task();
            let tasks = TaskControl::new();
            student = student.reloaded(&tasks, &moving_average());
            tasks
                .resume(&student.optimizer)
                .expect("there are synapses");
        }
        student = student.learn(uses, 3);
    }
    assert_same(&student.model.numbers(), &expected);
    // The decay in both unused tasks matters: without it the result differs.
    assert_ne!(learner(&config(), uses), expected);
}

#[test]
fn parameter_that_starts_before_a_loaded_one_is_in_the_same_task() {
    let mut student = Student::new(&config());
    for _ in 0..2 {
        student = student.learn(SECOND, 3);
        student.tasks.end_task();
    }
    // The first parameter takes its first step before the loaded one, so its optimizer does not know of the two
    // tasks.
    student = student
        .reloaded(&TaskControl::new(), &config())
        .learn(BOTH, 2);
    assert_eq!(student.tasks.task(), 2);
    let regularizer = student.regularizer(&config());
    let importance = |name| {
        let of_name = |synapse: &&&crate::Synapse<_>| synapse.path() == name;
        let synapses = regularizer.synapses();
        let synapse = synapses.iter().find(of_name).expect("it has a gradient");
        synapse.importance_primitive().is_some()
    };
    assert_eq!([importance("first"), importance("second")], [false, true]);
}

#[test]
fn training_can_go_back_to_a_checkpoint_of_an_earlier_task() {
    let mut student = Student::new(&config()).learn(BOTH, 3);
    student.tasks.end_task();
    let mut branch = student.reloaded(&student.tasks, &config());
    for _ in 0..2 {
        student = student.learn(BOTH, 3);
        student.tasks.end_task();
    }
    assert_eq!(student.tasks.task(), 3);
    assert_eq!(branch.tasks.resume(&branch.optimizer).ok(), Some(1));
    for _ in 0..2 {
        branch = branch.learn(BOTH, 3);
        branch.tasks.end_task();
    }
    branch = branch.learn(BOTH, 3);
    assert_eq!(branch.tasks.task(), 3);
    assert_same(&branch.model.numbers(), &learner(&config(), [BOTH; 4]));
}

#[test]
fn clones_share_their_tasks_and_a_record_in_new_ones_does_not() {
    let student = Student::new(&config()).learn(BOTH, 3);
    let copy = student.optimizer.clone();
    let branch = student.reloaded(&TaskControl::new(), &config());
    branch
        .tasks
        .resume(&branch.optimizer)
        .expect("there are synapses");
    student.tasks.end_task();
    assert_eq!([student.tasks.task(), branch.tasks.task()], [1, 0]);

    let consolidated = |mut optimizer: ModuleOptimizer, tasks: &TaskControl| {
        let model = student.model.clone();
        let grads = model.gradients(BOTH, 0);
        let model = optimizer.step(LEARNING_RATE, model, grads);
        let regularizer = tasks.regularizer(&optimizer, &model, &config());
        let regularizer = regularizer.expect("the config is valid");
        let mut synapses = regularizer.synapses().into_iter();
        synapses.all(|synapse| synapse.importance_primitive().is_some())
    };
    assert!(consolidated(copy, &student.tasks));
    assert!(!consolidated(branch.optimizer, &branch.tasks));
}

#[test]
fn each_group_of_parameters_has_settings_of_its_own() {
    let strong = config().with_strength(20.0);
    let learn = |first: &SynapticIntelligenceConfig,
                 second: Option<&SynapticIntelligenceConfig>| {
        let mut student = Student::new(first);
        let group = ParamGroup::from_path("second");
        let optimizer = student.optimizer;
        student.optimizer = match second {
            Some(second) => optimizer.with_group(group, synaptic(second, &student.tasks), None),
            None => optimizer.with_group(group, AdamConfig::new().build(), None),
        };
        for _ in 0..2 {
            student = student.learn(BOTH, 3);
            student.tasks.end_task();
        }
        student = student.learn(BOTH, 3);
        let numbers = student.model.numbers();
        (numbers[..3].to_vec(), numbers[3..].to_vec())
    };
    let (weak_first, weak_second) = learn(&config(), Some(&config()));
    let (strong_first, strong_second) = learn(&strong, Some(&strong));
    assert_ne!(weak_first, strong_first);
    assert_ne!(weak_second, strong_second);
    let (first, second) = learn(&config(), Some(&strong));
    assert_same(&first, &weak_first);
    assert_same(&second, &strong_second);

    let nothing_held = config().with_strength(0.0);
    let (_, bare_second) = learn(&nothing_held, Some(&nothing_held));
    let (first, second) = learn(&config(), None);
    assert_same(&first, &weak_first);
    assert_same(&second, &bare_second);
}

#[test]
fn group_that_is_added_later_starts_fresh() {
    let mut student = Student::new(&config()).learn(BOTH, 3);
    student.tasks.end_task();
    student = student.learn(BOTH, 3);
    let group = ParamGroup::from_path("second");
    student.optimizer =
        (student.optimizer).with_group(group, synaptic(&config(), &student.tasks), None);
    student = student.learn(BOTH, 1);
    let regularizer = student.regularizer(&config());
    let has_importance: Vec<bool> = (regularizer.synapses().iter())
        .map(|synapse| synapse.importance_primitive().is_some())
        .collect();
    assert_eq!(has_importance, [true, false]);
}

#[test]
fn records_with_and_without_synapses_are_not_confused() {
    let bare = |optimizer: &ModuleOptimizer| {
        let mut optimizer = optimizer.clone();
        let model = Model::new();
        let grads = model.gradients(BOTH, 1);
        optimizer.step(LEARNING_RATE, model, grads).numbers()
    };
    let mut plain = AdamConfig::new().init();
    let model = Model::new();
    let grads = model.gradients(BOTH, 0);
    plain.step(LEARNING_RATE, model, grads);
    let student = Student::new(&config()).learn(BOTH, 1);
    let bytes = |optimizer: &ModuleOptimizer| optimizer.into_bytes().expect("it can be written");

    let tasks = TaskControl::new();
    let loaded = adam(&config(), &tasks).from_bytes(bytes(&plain));
    let loaded = loaded.expect("it can be read");
    assert!(matches!(tasks.resume(&loaded), Err(Error::NoSynapses)));
    assert!(loaded.to_record().is_empty());

    let fresh = AdamConfig::new().init();
    let loaded = fresh.clone().from_bytes(bytes(&student.optimizer));
    let loaded = loaded.expect("it can be read");
    assert!(loaded.to_record().is_empty());
    assert_same(&bare(&loaded), &bare(&fresh));
}

#[test]
fn task_without_a_step_does_not_end() {
    let mut student = Student::new(&config());
    assert_eq!(student.tasks.end_task(), Some(TaskWarning::NoStep));
    student = student.learn(BOTH, 1);
    assert_eq!(student.tasks.end_task(), None);
    assert_eq!(student.tasks.end_task(), Some(TaskWarning::NoStep));
    assert_eq!(student.tasks.task(), 1);

    // Nor does a task whose steps were loaded without a call of `resume`.
    let loaded = student.learn(BOTH, 1);
    let loaded = loaded.reloaded(&TaskControl::new(), &config());
    assert_eq!(loaded.tasks.end_task(), Some(TaskWarning::NoStep));
}

#[test]
fn consolidation_at_once_equals_that_of_the_next_step() {
    let mut student = Student::new(&config());
    for _ in 0..3 {
        student = student.learn(BOTH, 3);
        student.tasks.end_task();
        let before = student.model.numbers();
        student.model = (student.tasks).consolidate(&mut student.optimizer, student.model);
        assert_eq!(student.model.numbers(), before);
        let synapses = student.regularizer(&config());
        let synapses = synapses.synapses();
        assert!((synapses.iter()).all(|synapse| synapse.path_integral_primitive().is_none()));
        assert!((synapses.iter()).all(|synapse| synapse.importance_primitive().is_some()));
    }
    student = student.learn(BOTH, 3);
    assert_same(&student.model.numbers(), &learner(&config(), [BOTH; 4]));
}

#[test]
fn parameters_may_be_changed_after_consolidation_at_once() {
    let moved = |consolidates: bool| {
        let mut student = Student::new(&config()).learn(BOTH, 3);
        student.tasks.end_task();
        if consolidates {
            student.model = (student.tasks).consolidate(&mut student.optimizer, student.model);
        }
        let first = student.model.first.val() + 10.0;
        let id = student.model.first.id;
        student.model.first = Param::initialized(id, first.detach().require_grad());
        student = student.learn(BOTH, 1);
        let synapses = student.regularizer(&config());
        let anchor = synapses.synapses()[0].anchor_primitive().clone();
        let anchor = <burn::backend::Dispatch as crate::ops::SynapticBackend>::tensor::<1>(anchor);
        anchor.into_data().iter::<f32>().all(|anchor| anchor > 5.0)
    };
    assert_eq!([moved(true), moved(false)], [false, true]);
}

#[test]
fn bare_optimizers_of_other_groups_make_no_step_on_consolidation() {
    let mut student = Student::new(&config());
    let sgd = SgdConfig::new().with_momentum(Some(MomentumConfig::new()));
    let group = ParamGroup::from_path("second");
    student.optimizer = student.optimizer.with_group(group, sgd.build(), None);
    student = student.learn(BOTH, 3);
    student.tasks.end_task();
    let velocity = |student: &Student| {
        let mut optimizer = student.optimizer.clone();
        let grads = student.model.gradients(SECOND, 0);
        let model = optimizer.step(LEARNING_RATE, student.model.clone(), grads);
        model.numbers()
    };
    let before = velocity(&student);
    student.model = (student.tasks).consolidate(&mut student.optimizer, student.model);
    assert_same(&velocity(&student), &before);
}

#[test]
fn consolidation_without_effect_is_reported_by_the_regularizer() {
    let mut student = Student::new(&config()).learn(BOTH, 3);
    student.tasks.end_task();
    student = student.learn(BOTH, 3);
    let mut working = student.regularizer(&config());
    let report = working.end_epoch();
    assert_eq!(
        (report.task, report.num_steps, report.warning),
        (1, 3, None)
    );
    assert!(report.penalty > 0.0);
    student.tasks.end_task();
    assert_eq!(student.regularizer(&config()).end_epoch().penalty, 0.0);

    // A learning rate of zero moves nothing, so nothing is penalised.
    for _ in 0..3 {
        let grads = student.model.gradients(BOTH, 0);
        student.model = student.optimizer.step(0.0, student.model, grads);
    }
    let report = student.regularizer(&config()).end_epoch();
    assert_eq!(report.warning, Some(TaskWarning::NoPenalty));
}

#[test]
fn parameter_of_another_shape_starts_over() {
    let mut student = Student::new(&config()).learn(BOTH, 3);
    student.tasks.end_task();
    let id = student.model.first.id;
    let grown = Tensor::ones([5], &device().autodiff());
    student.model.first = Param::initialized(id, grown.require_grad());
    student = student.learn(BOTH, 2);
    let regularizer = student.regularizer(&config());
    let synapses = regularizer.synapses();
    let shapes: Vec<usize> = (synapses.iter())
        .map(|synapse| synapse.shape().num_elements())
        .collect();
    assert_eq!(shapes, [5, 2]);
    assert!(synapses[0].importance_primitive().is_none());
    assert!(synapses[1].importance_primitive().is_some());
}

#[test]
fn start_from_zero_applies_to_the_first_task_only() {
    let config = config().with_first_task_start(FirstTaskStart::Zero);
    let uses = [FIRST, BOTH, BOTH, BOTH];
    let mut student = Student::new(&config);
    for (task, uses) in uses.into_iter().enumerate() {
        if task > 0 {
            student.tasks.end_task();
        }
        student = student.learn(uses, 3);
    }
    assert_same(&student.model.numbers(), &learner(&config, uses));
}

#[test]
fn what_needs_more_than_one_parameter_is_refused() {
    let tasks = TaskControl::new();
    let refused = |config: SynapticIntelligenceConfig| {
        let adaptor = Synaptic::new(AdamConfig::new().build(), &config, &tasks);
        adaptor.err().map(|error| error.to_string())
    };
    for policy in [
        ParameterPolicy::path("fc1.weight"),
        ParameterPolicy::module("BatchNorm"),
    ] {
        let name = policy.to_string();
        let error = refused(config().with_policies(vec![policy])).expect("it is refused");
        assert!(error.contains(&name) && error.contains("with_group"));
    }
    let error = refused(config().with_normalization(Normalization::Mean)).expect("it is refused");
    assert!(error.contains("one parameter at a time"), "{error}");
    let error = refused(config().with_damping(0.0));
    assert_eq!(
        error.as_deref(),
        Some("damping must be a finite number > 0, got 0")
    );
    assert_eq!(refused(config()), None);
}
