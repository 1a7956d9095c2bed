//! Running statistics belong to the training: measuring and storing neither change nor lose them.

use burn::module::Module;
use burn::nn::{BatchNorm, BatchNormConfig, Dropout, DropoutConfig, Linear, LinearConfig};
use burn::tensor::{Tensor, activation};
use si_core::importance::{self, FisherLabels};
use si_core::{Checkpoint, ContinualLearner, Importance};

use crate::common::{assert_same, values};
use crate::lifecycle::network::{Network, device, learner, sgd, train, trained};

fn statistics(learner: &ContinualLearner<Network>) -> Vec<f64> {
    let norm = learner.valid().norm.clone();
    [norm.running_mean.value(), norm.running_var.value()]
        .map(values)
        .concat()
}

fn fisher(learner: &ContinualLearner<Network>) -> Importance {
    let examples = (0..20).map(|index| (index as f32).sin());
    let log_likelihood = |network: &Network, example: &f32| {
        let x = Tensor::<2>::from_floats([[*example, 0.4, 1.0]], &device());
        activation::log_softmax(network.forward(x, 0).squeeze_dim::<1>(0), 0)
    };
    let fisher = importance::fisher(&**learner, examples, log_likelihood, FisherLabels::Exact);
    fisher.expect("it gives probabilities")
}

#[test]
fn information_changes_no_running_statistics_and_exists_before_a_norm() {
    let learner = trained(&device(), 3);
    let before = statistics(&learner);
    let fisher = fisher(&learner);
    assert_eq!(statistics(&learner), before);
    let body = fisher
        .get::<2>(learner.body.weight.id)
        .expect("it is trained");
    assert!(values(body).iter().sum::<f64>() > 0.0);
    // The training afterwards does not differ either.
    let expected = statistics(&train(trained(&device(), 3), &mut sgd(), 1, 0));
    assert_same(&statistics(&train(learner, &mut sgd(), 1, 0)), &expected);
}

#[test]
fn information_before_a_norm_matches_finite_differences_in_validation_mode() {
    let learner = trained(&device(), 3);
    let x = [0.3, 0.4, 1.0];
    let log_likelihood = |network: &Network, x: Tensor<2>| {
        activation::log_softmax(network.forward(x, 0).squeeze_dim::<1>(0), 0)
    };
    let fisher = importance::fisher(
        &*learner,
        [x],
        |network, x| log_likelihood(network, Tensor::from_floats([*x], &device())),
        FisherLabels::Exact,
    );
    let fisher = fisher.expect("it gives probabilities");
    let measured = values(
        fisher
            .get::<2>(learner.body.weight.id)
            .expect("it is trained"),
    );

    let plain = device().inner();
    let network = learner.valid().into_inner();
    let moved = |index: usize, by: f32| {
        let mut network = network.clone();
        let mut delta = [0.0_f32; 12];
        delta[index] = by;
        let delta = Tensor::<1>::from_floats(&delta[..], &plain).reshape([3, 4]);
        network.body.weight = network.body.weight.map(|weight| weight + delta);
        values(log_likelihood(&network, Tensor::from_floats([x], &plain)))
    };
    for (index, measured) in measured.into_iter().enumerate() {
        let step = 1e-2;
        let [up, down, here] = [step, -step, 0.0].map(|by| moved(index, by));
        let expected: f64 = (0..2)
            .map(|label| {
                let slope = (up[label] - down[label]) / (2.0 * f64::from(step));
                here[label].exp() * slope * slope
            })
            .sum();
        // The error of finite differences in f32, with a step of 0.01.
        let tolerance = 1e-3 + 0.02 * expected;
        assert!(
            (measured - expected).abs() < tolerance,
            "{measured} is not {expected}"
        );
    }
}

#[test]
fn dropout_is_off_while_information_is_measured() {
    #[derive(Module, Debug)]
    struct Dropped {
        body: Linear,
        norm: BatchNorm,
        dropout: Dropout,
    }
    let device = device();
    let module = Dropped {
        body: LinearConfig::new(3, 2).init(&device),
        norm: BatchNormConfig::new(2).init(&device),
        dropout: DropoutConfig::new(0.5).init(),
    };
    let measured = || {
        let log_likelihood = |module: &Dropped, _: &u8| {
            let hidden = module.body.forward(Tensor::<2>::ones([1, 3], &device));
            let hidden = module.dropout.forward(module.norm.forward(hidden));
            activation::log_softmax(hidden.squeeze_dim::<1>(0), 0)
        };
        let fisher = importance::fisher(&module, [0; 10], log_likelihood, FisherLabels::Exact);
        let fisher = fisher.expect("it gives probabilities");
        values(
            fisher
                .get::<2>(module.body.weight.id)
                .expect("it is trained"),
        )
    };
    assert_same(&measured(), &measured());
    assert!(module.dropout.training.is_enabled());
}

#[test]
fn checkpoint_and_record_hold_the_last_update_of_running_statistics() {
    let trained = trained(&device(), 1);
    let checkpoint = Checkpoint::new(&trained, &sgd(), &0_u8).expect("it can be written");
    let record = trained.clone().into_record();
    let (restored, _) = checkpoint
        .restore(learner(&device()), sgd())
        .expect("it fits");
    let loaded = learner(&device()).try_load_record(record).expect("it fits");
    assert_eq!(statistics(&restored), statistics(&trained));
    assert_eq!(statistics(&loaded), statistics(&trained));
}

#[test]
fn going_back_to_a_checkpoint_drops_updates_that_were_waiting() {
    let stored = trained(&device(), 2);
    let expected = statistics(&stored);
    let mut optimizer = sgd();
    let checkpoint = Checkpoint::new(&stored, &optimizer, &0_u8).expect("it can be written");
    // A step that is undone. Its last update is still pending in the layer.
    let regretted = train(stored, &mut optimizer, 1, 0);
    let (back, _) = checkpoint.restore(regretted, optimizer).expect("it fits");
    assert_eq!(statistics(&back), expected);
    let next = statistics(&train(back, &mut sgd(), 1, 0));
    let (fresh, _) = checkpoint
        .restore(learner(&device()), sgd())
        .expect("it fits");
    assert_same(&next, &statistics(&train(fresh, &mut sgd(), 1, 0)));
}
