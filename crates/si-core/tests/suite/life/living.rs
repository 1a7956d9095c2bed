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

/// How often each action was done, and how many actions made no sense at their point.
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
        write!(f, "; {} skipped", self.passed_over)
    }
}

/// Lives a life. The error says what failed, and after which action.
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
    /// Counts changes of what is built or frozen.
    structure: usize,
    /// The original of a clone, and its state when it was cloned.
    original: Option<(Box<dyn Student>, Seen)>,
    kept: Option<Kept>,
}

/// All numbers, compared bit for bit.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    parameters: Vec<Parameter>,
    held: HashMap<ParamId, Held>,
    task: usize,
}

/// A checkpoint, and everything as it was when the checkpoint was stored.
struct Kept {
    stored: Box<dyn Stored>,
    plain: Plain,
    module: Net,
    seen: Seen,
    buffers: Vec<Vec<f64>>,
    structure: usize,
}

impl Living {
    /// Does the action if it makes sense here. Returns whether it did.
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
                // In training mode Burn tracks the move, and no longer trains what has moved. Use `fork` for that.
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
                format!("the original of a clone has changed: it is {after:?}, and was {before:?}")
            })?;
        }
        Ok(is_done)
    }

    /// The selected part, wrapped around if there are fewer layers.
    fn part(&self, part: Part) -> Part {
        match part {
            Part::Body(index) => Part::Body(index % self.student.module().body.len()),
            Part::Head(index) => Part::Head(index),
        }
    }

    /// In some lives a synapse is held back so strongly that gradient descent overshoots. That is not a fault.
    fn has_diverged(&self) -> bool {
        let is_large = |it: &Parameter| it.values.iter().any(|value| value.abs() > 20.0);
        self.parameters().iter().any(is_large)
    }

    pub(crate) fn parameters(&self) -> Vec<Parameter> {
        numbers::parameters(self.student.module(), self.is_training)
    }

    /// Whether a step through that head trains any parameter.
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

    /// Switches to training mode, unless the module is in it: Burn does not allow it twice.
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
            // Parameters are drawn up to about 1, and their differences may be far smaller.
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
        // Clones of the adaptor share its tasks, as its documentation says.
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
        // This does not test freezing a parameter in one of two places.
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
        // A head that is a clone of another is reported at the first place only.
        let before = heads(self.parameters());
        self.structure += 1;
        change(self.student.as_mut(), |mut net| {
            net.heads[head] = with_more_outputs(&net.heads[head], by);
            net
        });
        let after = heads(self.parameters());
        ensure(before.is_empty() || before == after, || {
            format!("the trained parameters were {before:?} and are {after:?}")
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
            // After a cast, Burn's tensors have other autodiff settings.
            || self.settings.has_checkpointing
            // The adaptor's state is in the optimizer, which users replace when the precision changes.
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
            format!("whether there was a task to end is {ended}, not {expected}")
        })?;
        let (in_module, number) = self.student.held();
        ensure(number == in_module.len(), || {
            format!(
                "there is state of {number} parameters, but the module has {} of them",
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
            format!("the report is {report:?}, but task and steps are {expected:?}")
        })?;
        Ok(true)
    }

    /// A fresh module to load a record into. Parameters with entries in the record must be trained while it is
    /// loaded.
    fn fresh(&self, module: &Net, parameters: &[Parameter], plain: &Plain) -> Net {
        let is_frozen = |path: &str| {
            let parameter = parameters.iter().find(|it| it.path == path);
            parameter.is_some_and(|it| !it.is_trained && !plain.held.contains_key(&it.id))
        };
        numbers::fresh(module, is_frozen)
    }

    /// Burn's optimizers load their state of a 16-bit parameter in 32 bits (`StateSource` in burn-optim), and
    /// panic in the next step. Ours do not.
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
            // The module's record is Burn's own, and lacks a pending update of running statistics.
            buffers(self.student.module());
        }
        // Nothing of the student is read before this, because an update of a running statistic may be pending.
        let Some(stored) = self.student.stored(form) else {
            return Ok(false);
        };
        let parameters = self.parameters();
        let fresh = self.fresh(self.student.module(), &parameters, &self.plain);
        let mut loaded = stored.load(fresh)?;
        change(loaded.as_mut(), |net| freeze_as(net, &parameters));
        self.train();
        self.plain.load(&parameters);
        self.assert_copied(loaded.as_ref(), "loaded")?;

        if self.learns(0) {
            let seed = self.draws.seed();
            let [mut draws, mut again] = [seed; 2].map(Draws::new);
            let batch = [draws.batch(&self.student.module().device())];
            let grads = gradients(self.student.module(), &batch, 0);
            self.student.step(grads);
            let original = core::mem::replace(&mut self.student, loaded);
            let before = self.parameters();
            // The same again, on a device that may have other autodiff settings.
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
            // The stored module must not learn with the student, and a clone shares running statistics.
            module: module.valid().train(),
            structure: self.structure,
        });
        true
    }

    /// Returns to the checkpoint: loads it into the current learner if that is still built in the same way,
    /// otherwise into a fresh one.
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
        // State of frozen parameters is not loaded, and a file with no other state is refused.
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

/// Freezes again the parameters that were frozen.
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
