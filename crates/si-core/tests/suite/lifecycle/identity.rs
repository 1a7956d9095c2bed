//! Parameters that are removed, are added, or share an id.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::Tensor;
use si_core::diagnostics::Consolidation;
use si_core::{ContinualLearner, SynapticIntelligenceConfig};

use crate::common::warnings::warnings;
use crate::lifecycle::network::{Network, device, sgd, train, trained, wrapped};

#[derive(Module, Debug)]
struct OneHead {
    body: Linear,
    head: Linear,
}

impl OneHead {
    fn new() -> Self {
        let device = device();
        Self {
            body: LinearConfig::new(3, 4).init(&device),
            head: LinearConfig::new(4, 2).init(&device),
        }
    }

    fn loss(&self) -> Tensor<1> {
        let x = Tensor::<2>::ones([2, 3], &device());
        self.head.forward(self.body.forward(x)).square().mean()
    }
}

#[test]
fn heads_that_are_replaced_at_every_task_leave_nothing_behind() {
    let mut learner = wrapped(OneHead::new());
    let mut optimizer = sgd();
    for _ in 0..20 {
        learner.head = LinearConfig::new(4, 2).init(&device());
        for _ in 0..2 {
            (learner, _) = learner.step(&mut optimizer, 0.1, OneHead::loss);
        }
        learner.end_task();
        assert_eq!(learner.regularizer().synapses().len(), 4);
        assert_eq!(learner.diagnostics().parameters.len(), 4);
    }
}

#[test]
fn replaced_head_gives_a_warning_with_both_remedies_unless_forgotten() {
    let mut learner = wrapped(OneHead::new());
    let mut optimizer = sgd();
    for is_forgotten in [false, true] {
        (learner, _) = learner.step(&mut optimizer, 0.1, OneHead::loss);
        learner.end_task();
        learner.head = LinearConfig::new(4, 2).init(&device());
        if is_forgotten {
            learner.forget_removed();
            assert_eq!(learner.regularizer().synapses().len(), 2);
        }
        warnings();
        (learner, _) = learner.step(&mut optimizer, 0.1, OneHead::loss);
        let warnings = warnings();
        if is_forgotten {
            assert_eq!(warnings, [""; 0]);
        } else {
            assert_eq!(
                warnings[0],
                "head.weight is another parameter than the one that was important there, and starts without \
                 importance. Call `rebind` if it continues from the old values, or `forget_removed` if it is new"
            );
        }
    }
}

#[test]
fn cloned_head_gives_a_warning_and_is_named_in_the_coverage() {
    let mut network = Network::new(&device());
    network.heads[1] = network.heads[0].clone();
    warnings();
    let learner = wrapped(network);
    assert_eq!(
        warnings(),
        [
            "heads.1.weight has the id of heads.0.weight; heads.1.bias has the id of heads.0.bias. Burn keeps a \
          parameter's id when its layer is cloned, and an optimizer updates only the first place: create each \
          layer by a separate `init`, or load a record into it"
        ]
    );
    let coverage = learner.coverage();
    let first = "heads.0.weight".to_string();
    let repeated = Consolidation::Repeated { first };
    let parameter = coverage
        .parameters
        .iter()
        .find(|it| it.path == "heads.1.weight");
    assert_eq!(parameter.map(|it| &it.consolidation), Some(&repeated));
    assert!(
        coverage
            .to_string()
            .contains("heads.1.bias       [2]     has the id of heads.0.bias")
    );
}

#[test]
fn head_that_is_cloned_later_gives_one_warning() {
    let mut learner = trained(&device(), 1);
    learner.heads[1] = learner.heads[0].clone();
    warnings();
    learner.end_task();
    assert_eq!(warnings().len(), 1);
    let mut learner = train(learner, &mut sgd(), 1, 0);
    learner.end_task();
    assert_eq!(warnings(), [""; 0]);
}

/// What Burn does with one id in two places, as the documentation says.
#[test]
fn optimizer_updates_only_the_first_of_two_places_with_one_id() {
    let head = LinearConfig::new(4, 2).init(&device());
    let mut network = Network::new(&device());
    network.heads = vec![head.clone(), head];
    let learner = ContinualLearner::new(network, &SynapticIntelligenceConfig::new());
    let learner = learner.expect("it is valid");
    let before = learner.heads[0].weight.val().into_data();
    let learner = train(learner, &mut sgd(), 1, 0);
    let after = [0, 1].map(|head: usize| learner.heads[head].weight.val().into_data());
    assert_ne!(after[0], before);
    assert_eq!(after[1], before);
}
