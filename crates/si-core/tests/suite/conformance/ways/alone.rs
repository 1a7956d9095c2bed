use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Tensor;
use si_core::SynapticIntelligence;

use super::{Run, Way, reloaded};
use crate::conformance::model::{Minibatch, Toy};
use crate::conformance::optimizers::Row;
use crate::conformance::setup::{LEARNING_RATE, Setup};
use crate::conformance::state::{Agreement, State};

/// [`SynapticIntelligence`] in a loop that makes the calls itself.
#[derive(Clone, Copy)]
pub(crate) struct Alone {
    form: Form,
    /// Whether the loop clips the task's gradients instead of the optimizer.
    clips_first: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `penalize`: the penalty's gradient is added to the task's.
    ClosedForm,
    /// `penalty` and `observe_gradients`: the penalty is a term of the loss.
    LossTerm,
}

pub(crate) const CLOSED_FORM: Alone = Alone {
    form: Form::ClosedForm,
    clips_first: false,
};

pub(crate) const LOSS_TERM: Alone = Alone {
    form: Form::LossTerm,
    clips_first: false,
};

/// The regularizer on gradients that the loop has already clipped.
pub(crate) const CLIPPED_FIRST: Alone = Alone {
    form: Form::ClosedForm,
    clips_first: true,
};

impl Way for Alone {
    fn name(&self) -> &'static str {
        match self.form {
            Form::ClosedForm => "regularizer alone",
            Form::LossTerm => "penalty in the loss",
        }
    }

    fn agreement(&self) -> Agreement {
        match self.form {
            Form::ClosedForm => Agreement::Exact,
            Form::LossTerm => Agreement::Rounded,
        }
    }

    fn start<'a>(&self, row: &'a Row, setup: &'a Setup, model: Toy) -> Box<dyn Run + 'a> {
        let mut training = Training {
            way: *self,
            model: Some(model),
            optimizer: row.bare(setup),
            regularizer: setup.config.init().expect("the config is valid"),
            row,
            setup,
        };
        training.optimizer = training.fresh_optimizer();
        Box::new(training)
    }
}

struct Training<'a> {
    way: Alone,
    /// `None` while a step is taken.
    model: Option<Toy>,
    optimizer: ModuleOptimizer,
    regularizer: SynapticIntelligence,
    row: &'a Row,
    setup: &'a Setup,
}

impl Training<'_> {
    fn fresh_optimizer(&self) -> ModuleOptimizer {
        if self.way.clips_first {
            self.row.bare(&Setup {
                clipping: None,
                ..self.setup.clone()
            })
        } else {
            self.row.bare(self.setup)
        }
    }

    fn model(&self) -> &Toy {
        self.model.as_ref().expect("no step is in progress")
    }
}

impl Run for Training<'_> {
    fn step(&mut self, minibatches: &[Minibatch]) {
        let model = self.model.take().expect("no step is in progress");
        let grads = match self.way.form {
            Form::ClosedForm => {
                let mut grads = model.gradients(minibatches, None);
                if self.way.clips_first {
                    grads = clipped(&model, grads, self.setup);
                }
                self.regularizer.penalize(&model, grads)
            }
            Form::LossTerm => {
                let penalty = self.regularizer.penalty(&model);
                let mut grads = model.gradients(minibatches, Some(penalty));
                self.regularizer.observe_gradients(&model, &mut grads);
                grads
            }
        };
        let model = self.optimizer.step(LEARNING_RATE, model, grads);
        self.regularizer.observe(&model);
        self.model = Some(model);
    }

    fn end_task(&mut self) {
        let model = self.model.as_ref().expect("no step is in progress");
        self.regularizer.consolidate(model);
    }

    /// The regularizer has no separate record, and is rebound to the loaded module.
    fn reload(&mut self) {
        let model = reloaded(self.model().clone(), Toy::new());
        self.regularizer.rebind(&model);
        self.model = Some(model);
        let bytes = self.optimizer.into_bytes().expect("it can be written");
        let optimizer = self.fresh_optimizer().from_bytes(bytes);
        self.optimizer = optimizer.expect("it can be read");
    }

    fn state(&self) -> State {
        State::of(self.model(), &self.regularizer)
    }
}

/// Clips the gradients like Burn's optimizer.
fn clipped(model: &Toy, grads: GradientsParams, setup: &Setup) -> GradientsParams {
    struct Clip<'a> {
        grads: GradientsParams,
        setup: &'a Setup,
    }
    impl ModuleVisitor for Clip<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(clipping) = &self.setup.clipping
                && let Some(gradient) = self.grads.remove::<D>(param.id)
            {
                let gradient = clipping.init().clip_gradient(gradient);
                self.grads.register(param.id, gradient);
            }
        }
    }
    let mut clip = Clip { grads, setup };
    model.visit(&mut clip);
    clip.grads
}
