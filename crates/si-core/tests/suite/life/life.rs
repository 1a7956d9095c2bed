use core::fmt;
use std::collections::{BTreeMap, HashMap};

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{DType, Tensor};
use si_core::with_more_outputs;

use crate::life::actions::{Action, Form, Life, Optimizer, Part, Settings, Way};
use crate::life::checks::{compare, ensure, rounding, within};
use crate::life::modules::{Batch, Draws, MAX_OUTPUTS, Net};
use crate::life::numbers::{self, Cast, Parameter, buffers, numbers_of, with_trained};
use crate::life::plain::{Held, Plain};
use crate::life::ways::{self, Stored, Student};

/// How often each action was done, and how often it made no sense where it came.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    done: BTreeMap<String, usize>,
    passed_over: usize,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total: usize = self.done.values().sum();
        write!(f, "{total} actions")?;
        for (action, number) in &self.done {
            write!(f, ", {action} {number}")?;
        }
        write!(f, "; {} passed over", self.passed_over)
    }
}

/// Lives a life. The error says what did not hold, and after which action.
pub(crate) fn live(life: &Life, tally: &mut Tally) -> Result<(), String> {
    let mut draws = Draws::new(life.seed);
    let net = Net::new(&life.body, life.settings.has_checkpointing, &mut draws);
    let mut living = Living {
        student: ways::student(life.way, life.settings, net),
        plain: Plain::new(life.way, life.settings),
        way: life.way,
        settings: life.settings,
        draws,
        is_training: true,
        structure: 0,
        original: None,
        kept: None,
    };
    for (number, action) in life.actions.iter().enumerate() {
        let place = |error| format!("after action {}, {action:?}: {error}", number + 1);
        let is_done = living.act(*action).map_err(place)?;
        living.check().map_err(place)?;
        if living.has_diverged() {
            break;
        }
        if is_done {
            let name = format!("{action:?}");
            let name = name.split([' ', '(']).next().unwrap_or_default();
            *tally.done.entry(name.to_string()).or_default() += 1;
        } else {
            tally.passed_over += 1;
        }
    }
    Ok(())
}

pub(crate) struct Living {
    pub(crate) student: Box<dyn Student>,
    pub(crate) plain: Plain,
    way: Way,
    settings: Settings,
    draws: Draws,
    pub(crate) is_training: bool,
    /// Counts what was built or frozen otherwise.
    structure: usize,
    /// What a clone was made of, and how it was then.
    original: Option<(Box<dyn Student>, Seen)>,
    kept: Option<Kept>,
}

/// All numbers, to the bit.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    parameters: Vec<Parameter>,
    held: HashMap<ParamId, Held>,
    task: usize,
}

/// A checkpoint, and what was true when it was taken.
struct Kept {
    stored: Box<dyn Stored>,
    plain: Plain,
    module: Net,
    seen: Seen,
    buffers: Vec<Vec<f64>>,
    structure: usize,
}

impl Living {
    /// Whether the action makes sense here, and was done.
    fn act(&mut self, action: Action) -> Result<bool, String> {
        let is_done = match action {
            Action::Step { head, minibatches } => self.step(head, minibatches)?,
            Action::Skip { penalized } => self.skip(penalized),
            Action::Valid => {
                self.student.valid();
                self.is_training = false;
                true
            }
            Action::Train => self.train(),
            Action::Clone => self.clone_and_go_on(),
            Action::Fork => {
                self.student.fork();
                true
            }
            Action::ToDevice => {
                // In training mode Burn tracks the move, and what has moved is trained no more: that is what `fork` is
                // for.
                if !self.is_training {
                    self.student.to_device();
                }
                !self.is_training
            }
            Action::Reload(form) => self.reload(form)?,
            Action::Keep => self.keep(),
            Action::GoBack => self.go_back()?,
            Action::Exchange => self.exchange()?,
            Action::Freeze(part) => self.rebuild(self.part(part), Net::frozen),
            Action::Unfreeze(part) => self.rebuild(self.part(part), Net::unfrozen),
            Action::Replace { head, outputs } => {
                let draws = &mut self.draws;
                let replace = |net: Net| net.with_fresh_head(head, outputs, draws);
                self.structure += 1;
                change(self.student.as_mut(), replace);
                true
            }
            Action::Grow { head, by } => self.grow(head, by)?,
            Action::Tie { from, to } => {
                self.structure += 1;
                change(self.student.as_mut(), |mut net| {
                    net.heads[to] = net.heads[from].clone();
                    net
                });
                from != to
            }
            Action::Cast(part, precision) => self.cast(self.part(part), precision),
            Action::Rebind => self.rebind(),
            Action::EndTask => self.end_task()?,
            Action::EndEpoch => self.end_epoch()?,
        };
        if let Some((original, before)) = self.original.take_if(|_| action != Action::Clone) {
            let after = seen(original.as_ref(), &before);
            ensure(after == before, || {
                format!("what was cloned before is other: {after:?}, and was {before:?}")
            })?;
        }
        Ok(is_done)
    }

    /// The layer that is meant: there may be fewer.
    fn part(&self, part: Part) -> Part {
        match part {
            Part::Body(index) => Part::Body(index % self.student.module().body.len()),
            Part::Head(index) => Part::Head(index),
        }
    }

    /// Some lives hold a synapse so strongly that gradient descent overshoots. That is no fault.
    fn has_diverged(&self) -> bool {
        let is_large = |it: &Parameter| it.values.iter().any(|value| value.abs() > 20.0);
        self.parameters().iter().any(is_large)
    }

    pub(crate) fn parameters(&self) -> Vec<Parameter> {
        numbers::parameters(self.student.module(), self.is_training)
    }

    /// Whether a step through that head has something to train.
    fn learns(&self, head: usize) -> bool {
        struct Trained(bool);
        impl ModuleVisitor for Trained {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                self.0 |= param.is_require_grad();
            }
        }
        let mut trained = Trained(false);
        let net = self.student.module();
        net.body.visit(&mut trained);
        net.heads[head].visit(&mut trained);
        self.is_training && trained.0
    }

    /// Burn has no training mode of a module that is in it.
    fn train(&mut self) -> bool {
        let changes = !self.is_training;
        if changes {
            self.student.train();
        }
        self.is_training = true;
        changes
    }

    fn step(&mut self, head: usize, minibatches: usize) -> Result<bool, String> {
        self.train();
        if !self.learns(head) {
            return Ok(false);
        }
        let device = self.student.module().device();
        let batches = (0..minibatches).map(|_| self.draws.batch(&device));
        let batches: Vec<Batch> = batches.collect();
        let before = self.parameters();
        let grads = gradients(self.student.module(), &batches, head);
        let numbers = numbers_of(self.student.module(), &grads);
        self.student.step(grads);
        let after = self.parameters();
        let expected = self.plain.expected(&before, &numbers);
        for (before, after) in before.iter().zip(&after) {
            let is_known = self.settings.optimizer != Optimizer::Adam;
            if !is_known && expected.contains_key(&before.id) {
                continue;
            }
            let values = expected.get(&before.id).unwrap_or(&before.values);
            let bound = if expected.contains_key(&before.id) {
                8.0 * rounding(before.precision)
            } else {
                0.0
            };
            // Parameters are drawn about that large, and what is left of them may be far smaller.
            let largest = values
                .iter()
                .fold(1.0_f64, |largest, it| largest.max(it.abs()));
            within(&after.values, values, bound * largest)
                .map_err(|error| format!("{} is {error}", before.path))?;
        }
        self.plain.step(&before, &numbers, &after);
        Ok(true)
    }

    fn skip(&mut self, penalized: bool) -> bool {
        if !self.learns(0) {
            return false;
        }
        let before = self.parameters();
        let device = self.student.module().device();
        let batches = [self.draws.batch(&device)];
        let grads = gradients(self.student.module(), &batches, 0);
        let numbers = numbers_of(self.student.module(), &grads);
        if penalized && self.student.penalize_in_vain(grads) {
            self.plain.open_step(&before, &numbers);
        }
        true
    }

    fn clone_and_go_on(&mut self) -> bool {
        let clone = self.student.branch();
        let original = core::mem::replace(&mut self.student, clone);
        // Its clones share the tasks, as its documentation says.
        if self.way != Way::Adaptor {
            let seen = Seen {
                parameters: self.parameters(),
                held: original.held().0,
                task: original.task(),
            };
            self.original = Some((original, seen));
        }
        true
    }

    fn rebuild(&mut self, part: Part, build: fn(Net, Part) -> Net) -> bool {
        let net = self.student.module();
        // Whether a parameter at two places is frozen at one of them is not asked here.
        let is_tied = net.has_tied_heads();
        if is_tied && matches!(part, Part::Head(_)) {
            return false;
        }
        self.structure += 1;
        change(self.student.as_mut(), |net| build(net, part));
        true
    }

    fn grow(&mut self, head: usize, by: usize) -> Result<bool, String> {
        let old = &self.student.module().heads[head];
        if self.plain.has_rivals(&self.parameters()) {
            return Ok(false);
        }
        if old.weight.val().dims()[1] + by > MAX_OUTPUTS {
            return Ok(false);
        }
        let heads = |parameters: Vec<Parameter>| {
            let prefix = format!("heads.{head}.");
            let of_head = move |it: &Parameter| it.path.starts_with(&prefix);
            let of_head = parameters.into_iter().filter(of_head);
            of_head
                .map(|it| (it.path, it.is_trained))
                .collect::<Vec<_>>()
        };
        // Of a head that is a clone of another one, what it is is told at the first place.
        let before = heads(self.parameters());
        self.structure += 1;
        change(self.student.as_mut(), |mut net| {
            net.heads[head] = with_more_outputs(&net.heads[head], by);
            net
        });
        let after = heads(self.parameters());
        ensure(before.is_empty() || before == after, || {
            format!("which parameters are trained was {before:?} and is {after:?}")
        })?;
        self.rebind();
        Ok(true)
    }

    fn rebind(&mut self) -> bool {
        if self.plain.has_rivals(&self.parameters()) {
            return false;
        }
        let has_call = self.student.rebind();
        if has_call {
            self.plain.rebind(&self.parameters());
        }
        has_call
    }

    fn cast(&mut self, part: Part, precision: DType) -> bool {
        let net = self.student.module();
        let cannot = !self.is_training
            || !net.can_be_cast(part)
            || !net.device().supports_dtype(precision)
            // Burn's tensors come back from a cast with other settings of autodiff.
            || self.settings.has_checkpointing
            // Its state is the optimizer's, which a user makes anew for another precision.
            || self.way == Way::Adaptor;
        if cannot {
            return false;
        }
        self.structure += 1;
        change(self.student.as_mut(), |net| {
            net.with_mapped(part, &mut Cast(precision))
        });
        self.student.renew_optimizer();
        self.plain.forget_velocity();
        true
    }

    fn end_task(&mut self) -> Result<bool, String> {
        let parameters = self.parameters();
        let mut fisher = HashMap::new();
        for parameter in &parameters {
            let drawn = self.draws.values(parameter.values.len());
            let information = drawn.into_iter().map(|value| f64::from(value.abs()));
            fisher.insert(parameter.id, information.collect());
        }
        let ended = self.student.end_task(&fisher);
        let expected = self.plain.end_task(&parameters, &fisher);
        ensure(ended == expected, || {
            format!("there was a task to end: {ended}, and should have been: {expected}")
        })?;
        let (in_module, number) = self.student.held();
        ensure(number == in_module.len(), || {
            format!(
                "state of {number} parameters, of which the module has {}",
                in_module.len()
            )
        })
        .or_else(|error| if ended { Err(error) } else { Ok(()) })?;
        Ok(ended)
    }

    fn end_epoch(&mut self) -> Result<bool, String> {
        let Some(report) = self.student.end_epoch() else {
            return Ok(false);
        };
        let actual = (report.task, report.num_steps);
        let expected = (self.plain.task, self.plain.steps_in_epoch);
        self.plain.start_epoch();
        ensure(actual == expected && report.penalty.is_finite(), || {
            format!("the report is {report:?}, and task and steps are {expected:?}")
        })?;
        Ok(true)
    }

    /// What must be trained while a record is loaded: what its entries are of.
    fn fresh(&self, module: &Net, parameters: &[Parameter], plain: &Plain) -> Net {
        let is_frozen = |path: &str| {
            let parameter = parameters.iter().find(|it| it.path == path);
            parameter.is_some_and(|it| !it.is_trained && !plain.held.contains_key(&it.id))
        };
        numbers::fresh(module, is_frozen)
    }

    /// Burn's optimizers load what they keep of a parameter of 16 bits in 32 (`StateSource` in burn-optim), and panic in
    /// the next step. Ours do not.
    fn optimizer_goes_on(&self, parameters: &[Parameter]) -> bool {
        let is_ours = self.way == Way::LearnerInOnePass;
        let is_wide = |it: &Parameter| it.precision == DType::F32;
        is_ours || self.settings.optimizer == Optimizer::Sgd || parameters.iter().all(is_wide)
    }

    fn reload(&mut self, form: Form) -> Result<bool, String> {
        if !self.optimizer_goes_on(&self.parameters()) {
            return Ok(false);
        }
        let is_learner = matches!(self.way, Way::Learner | Way::LearnerInOnePass);
        if !is_learner {
            // A module's own record is Burn's, and its running statistics lack an update that is pending.
            buffers(self.student.module());
        }
        // Nothing of the student is read before: an update of a running statistic may be pending.
        let Some(stored) = self.student.stored(form) else {
            return Ok(false);
        };
        let parameters = self.parameters();
        let fresh = self.fresh(self.student.module(), &parameters, &self.plain);
        let mut loaded = stored.load(fresh)?;
        change(loaded.as_mut(), |net| freeze_as(net, &parameters));
        self.train();
        self.plain.load(&parameters);
        self.assert_same(loaded.as_ref(), "loaded")?;

        if self.learns(0) {
            let seed = self.draws.seed();
            let [mut draws, mut again] = [seed; 2].map(Draws::new);
            let batch = [draws.batch(&self.student.module().device())];
            let grads = gradients(self.student.module(), &batch, 0);
            self.student.step(grads);
            let original = core::mem::replace(&mut self.student, loaded);
            let before = self.parameters();
            // The same once more, on a device that may have other settings of autodiff.
            let batch = [again.batch(&self.student.module().device())];
            let grads = gradients(self.student.module(), &batch, 0);
            let numbers = numbers_of(self.student.module(), &grads);
            self.student.step(grads);
            self.plain.expected(&before, &numbers);
            self.plain.step(&before, &numbers, &self.parameters());
            self.assert_same(original.as_ref(), "the step after it")?;
        } else {
            self.student = loaded;
        }
        Ok(true)
    }

    fn keep(&mut self) -> bool {
        let Some(stored) = self.student.stored(Form::Checkpoint) else {
            return false;
        };
        let parameters = self.parameters();
        if !self.optimizer_goes_on(&parameters) {
            return false;
        }
        let mut plain = self.plain.clone();
        plain.load(&parameters);
        let module = if self.is_training {
            self.student.module().clone()
        } else {
            self.student.module().clone().train()
        };
        self.kept = Some(Kept {
            stored,
            plain,
            buffers: buffers(&module),
            seen: Seen {
                parameters,
                held: self.student.held().0,
                task: self.student.task(),
            },
            // What is kept must not learn with the student: a clone shares running statistics.
            module: module.valid().train(),
            structure: self.structure,
        });
        true
    }

    /// To a learner that has gone on, where it is still built as it was, and else to a fresh one.
    fn go_back(&mut self) -> Result<bool, String> {
        let Some(kept) = self.kept.take() else {
            return Ok(false);
        };
        self.train();
        let over = if kept.structure == self.structure {
            let held = &kept.plain.held;
            let mut used = self.student.branch();
            let parameters = self.parameters();
            change(used.as_mut(), |net| {
                with_trained(net, |id| {
                    let mut parameters = parameters.iter();
                    let is_trained = parameters.any(|it| it.id == id && it.is_trained);
                    is_trained || held.contains_key(&id)
                })
            });
            kept.stored.load_over(used.as_ref())
        } else {
            None
        };
        let mut restored = match over {
            Some(restored) => restored?,
            None => {
                let parameters = &kept.seen.parameters;
                let fresh = self.fresh(&kept.module, parameters, &kept.plain);
                kept.stored.load(fresh)?
            }
        };
        change(restored.as_mut(), |net| {
            freeze_as(net, &kept.seen.parameters)
        });
        self.student = restored;
        self.plain = kept.plain;
        self.structure += 1;
        let mut after = seen(self.student.as_ref(), &kept.seen);
        let mut before = kept.seen;
        for seen in [&mut after, &mut before] {
            seen.held.values_mut().for_each(|it| it.path.clear());
        }
        ensure(after == before, || {
            format!("restored is {after:?}, and was {before:?}")
        })?;
        let statistics = buffers(self.student.module());
        ensure(statistics == kept.buffers, || {
            let before = &kept.buffers;
            format!("restored running statistics are {statistics:?}, and were {before:?}")
        })?;
        Ok(true)
    }

    fn exchange(&mut self) -> Result<bool, String> {
        let parameters = self.parameters();
        let is_taken = |id: &ParamId| parameters.iter().any(|it| it.id == *id && it.is_trained);
        // State of frozen parameters is not taken, and a file of nothing else is refused.
        if !self.plain.held.keys().any(is_taken) {
            return Ok(false);
        }
        let Some(exchanged) = self.student.exchanged() else {
            return Ok(false);
        };
        let mut expected = self.plain.held.clone();
        expected.retain(|id, _| is_taken(id));
        compare(&exchanged, &expected, &parameters)
            .map_err(|error| format!("after SafeTensors {error}"))?;
        Ok(true)
    }
}

fn seen(student: &dyn Student, before: &Seen) -> Seen {
    let module = student.module();
    let parameters = numbers::parameters(module, module.is_training());
    debug_assert_eq!(parameters.len(), before.parameters.len());
    Seen {
        parameters,
        held: student.held().0,
        task: student.task(),
    }
}

fn change(student: &mut dyn Student, change: impl FnOnce(Net) -> Net) {
    let mut change = Some(change);
    student.change(&mut |net| {
        let change = change.take().expect("it is called once");
        change(net)
    });
}

/// Freezes again what was frozen.
fn freeze_as(net: Net, parameters: &[Parameter]) -> Net {
    with_trained(net, |id| {
        let mut parameters = parameters.iter();
        parameters.any(|it| it.id == id && it.is_trained)
    })
}

/// The accumulated gradients of the minibatches' losses.
fn gradients(net: &Net, batches: &[Batch], head: usize) -> GradientsParams {
    let mut accumulator = GradientsAccumulator::new();
    for batch in batches {
        let grads = net.loss(batch, head).backward();
        accumulator.accumulate(net, GradientsParams::from_grads(grads, net));
    }
    accumulator.grads()
}
