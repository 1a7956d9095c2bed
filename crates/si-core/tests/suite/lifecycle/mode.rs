//! Everything done between two tasks has the same result in validation mode as in training mode.

use burn::module::{Module, ParamId};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Tensor, activation};
use si_core::importance::{self, FisherLabels};
use si_core::{
    Checkpoint, ContinualLearner, Importance, QuadraticPenalty, QuadraticPenaltyConfig,
    TaskWarning, with_more_outputs,
};

use crate::common::warnings::warnings;
use crate::common::{assert_same, assert_same_parts, values};
use crate::lifecycle::network::{
    Network, device, inputs, learner, numbers_of, sgd, state, train, trained,
};

/// A trained learner, in training and in validation mode.
fn in_both_modes() -> [ContinualLearner<Network>; 2] {
    let learner = trained(&device(), 3);
    [learner.valid().train(), learner.valid()]
}

#[test]
fn end_of_a_task_is_the_same_in_both_modes() {
    let [one, other] = in_both_modes().map(|mut learner| {
        assert_eq!(learner.end_task(), None);
        learner
    });
    assert_same_parts(&state(&one), &state(&other));
    let [ours, theirs] = [&one, &other].map(|learner| numbers_of(learner.diagnostics()));
    assert_same_parts(&ours, &theirs);
    assert_eq!(one.coverage(), other.coverage());
    let on = other.coverage().consolidated().count();
    assert_eq!(on, 2 + 2 + 4, "body, norm and two heads");
}

#[test]
fn frozen_layer_is_frozen_in_both_modes() {
    let mut learner = trained(&device(), 2);
    learner.body = learner.body.clone().freeze();
    let coverage = learner.coverage();
    assert_eq!(coverage, learner.valid().coverage());
    assert!(
        coverage
            .consolidated()
            .all(|it| !it.path.starts_with("body"))
    );
    let back = learner.valid().train();
    assert!(!back.body.weight.is_require_grad() && back.norm.gamma.is_require_grad());
}

#[test]
fn layer_that_is_frozen_or_unfrozen_in_validation_mode_counts_as_such() {
    let mut learner = trained(&device(), 2).valid();
    learner.body = learner.body.clone().freeze();
    assert_eq!(learner.coverage().consolidated().count(), 6);
    learner.body = learner.body.clone().unfreeze();
    assert_eq!(learner.coverage().consolidated().count(), 8);
}

#[test]
fn head_that_grows_is_trained_in_both_modes() {
    for mut learner in in_both_modes() {
        learner.end_task();
        let old = learner.heads[0].clone();
        learner.heads[0] = with_more_outputs(&old, 2);
        learner.rebind();
        let learner = train(learner.train(), &mut sgd(), 2, 0);
        let head = &learner.heads[0];
        assert_eq!(head.weight.dims(), [4, 4]);
        assert_ne!(head.weight.id, old.weight.id);
        let bias = head.bias.as_ref().expect("it has a bias");
        assert!(head.weight.is_require_grad() && bias.is_require_grad());
        assert!(learner.body.weight.is_require_grad());
        let synapse = learner.regularizer().synapse(head.weight.id);
        assert!(synapse.is_some_and(|it| it.importance_primitive().is_some()));
    }
}

#[test]
fn frozen_head_that_grows_stays_frozen() {
    let device = device();
    for head in [
        LinearConfig::new(3, 1).init(&device),
        LinearConfig::new(3, 1).init(&device).valid(),
    ] {
        let grown = with_more_outputs(&head.freeze(), 1).train();
        assert!(!grown.weight.is_require_grad());
    }
}

#[test]
fn state_is_rebound_in_both_modes() {
    let [one, other] = in_both_modes().map(|mut learner| {
        learner.end_task();
        // A module from a file has other ids.
        let record = learner.clone().into_inner().into_record();
        let loaded = with_other_ids(Network::new(&device())).load_record(record);
        *learner = with_other_ids(if learner.body.weight.is_require_grad() {
            loaded
        } else {
            loaded.valid()
        });
        learner.rebind();
        numbers_of(learner.diagnostics())
    });
    assert!(one.iter().any(|(_, it)| it.iter().any(|it| *it > 0.0)));
    assert_same_parts(&one, &other);
}

fn with_other_ids(network: Network) -> Network {
    use burn::module::{ModuleMapper, Param};
    struct Renew;
    impl ModuleMapper for Renew {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let (_, value, mapper) = param.consume();
            Param::from_mapped_value(ParamId::new(), value, mapper)
        }
    }
    network.map(&mut Renew)
}

#[test]
fn record_of_either_mode_loads_in_either_mode() {
    // Head 1 has not been trained, so it has no state yet.
    for from in in_both_modes() {
        let expected = state(&from);
        for into in [learner(&device()), learner(&device()).valid()] {
            let loaded = into.try_load_record(from.clone().into_record());
            let loaded = loaded.expect("it is the record of such a module");
            assert_eq!(state(&loaded), expected);
        }
    }
}

#[test]
fn checkpoint_of_either_mode_is_restored_in_either_mode_and_trains_on() {
    let trained_on = |learner| state(&train(learner, &mut sgd(), 1, 1));
    let expected = trained_on(in_both_modes()[0].clone());
    for from in in_both_modes() {
        let checkpoint = Checkpoint::new(&from, &sgd(), &0_u8).expect("it can be written");
        for into in [learner(&device()), learner(&device()).valid()] {
            let (restored, _) = checkpoint.restore(into, sgd()).expect("it fits");
            assert_same_parts(&trained_on(restored.train()), &expected);
        }
    }
}

#[cfg(feature = "safetensors")]
#[test]
fn safetensors_are_written_and_read_in_both_modes() {
    use si_core::safetensors::WeightLayout;
    let files = in_both_modes().map(|mut learner| {
        learner.end_task();
        learner
            .to_safetensors(WeightLayout::Burn)
            .expect("it has state")
    });
    assert_eq!(files[0], files[1]);
    for mut into in [learner(&device()), learner(&device()).valid()] {
        let report = into
            .load_safetensors(&files[0], WeightLayout::Burn)
            .expect("it fits");
        assert!(report.taken.contains(&"body.weight.importance".to_string()));
        assert_eq!(into.regularizer().task(), 1);
    }
}

fn elastic() -> QuadraticPenalty {
    let config = QuadraticPenaltyConfig::ewc(1.0);
    config.init().expect("it is valid")
}

fn fisher(learner: &ContinualLearner<Network>) -> Importance {
    let log_likelihood = |network: &Network, example: &f32| {
        let x = inputs(&network.body.weight.device()).mul_scalar(*example);
        let logits = network.forward(x, 0).narrow(0, 0, 1);
        activation::log_softmax(logits.squeeze_dim::<1>(0), 0)
    };
    let fisher = importance::fisher(&**learner, [0.5, 1.0], log_likelihood, FisherLabels::Exact);
    fisher.expect("it gives probabilities")
}

#[test]
fn elastic_weight_consolidation_is_the_same_in_both_modes() {
    let [one, other] = in_both_modes().map(|learner| {
        let mut elastic = elastic();
        assert_eq!(elastic.consolidate(&*learner, &fisher(&learner)), None);
        let penalty = elastic.penalty(&*train(learner.train(), &mut sgd(), 2, 0));
        (elastic.task(), elastic.pulls().len(), values(penalty))
    });
    assert!((one.0, one.1) == (1, 6) && one.2[0] > 0.0, "{one:?}");
    assert_eq!((one.0, one.1), (other.0, other.1));
    assert_same(&one.2, &other.2);
}

#[test]
fn information_about_another_module_changes_nothing_and_gives_a_warning() {
    let learner = trained(&device(), 1);
    let mut elastic = elastic();
    warnings();
    let of_another = fisher(&trained(&device(), 1));
    let warning = elastic.consolidate(&*learner, &of_another);
    assert_eq!(warning, Some(TaskWarning::NoImportance));
    assert_eq!(elastic.task(), 0);
    assert_eq!(
        warnings(),
        [
            "task 0 is not ended: the importance is of none of the module's parameters. Measure it on this \
          module, after loading or exchanging parts of it"
        ]
    );
}

#[test]
fn head_that_grows_in_validation_mode_keeps_its_values() {
    let device = device();
    let head: Linear = LinearConfig::new(2, 1).init(&device);
    let before = values(head.weight.val());
    let grown = with_more_outputs(&head.valid(), 1);
    assert!(!grown.weight.val().is_autodiff());
    let corner = values(grown.weight.val().slice([0..2, 0..1]));
    assert_eq!(corner, before);
}
