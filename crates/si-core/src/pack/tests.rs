use burn::module::{Module, Param, ParamId};
use burn::nn::LinearConfig;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Bool, Device, Int, Tensor};

use super::*;

/// The record of a linear layer, `[3, 2]`, and that of the optimizer that has trained it.
fn records() -> (Bytes, Bytes) {
    let device = Device::flex().autodiff();
    let layer = LinearConfig::new(3, 2).init(&device);
    let mut optimizer = AdamConfig::new().init();
    let loss = layer.forward(Tensor::<2>::ones([4, 3], &device)).sum();
    let grads = GradientsParams::from_grads(loss.backward(), &layer);
    let layer = optimizer.step(0.1, layer, grads);
    let module = layer.into_record().into_bytes().expect("a record");
    (module, optimizer.into_bytes().expect("a record"))
}

#[test]
fn tensors_have_the_names_shapes_and_numbers_that_burn_wrote() {
    let device = Device::flex();
    let layer = LinearConfig::new(3, 2).init(&device);
    let record = layer.clone().into_record().into_bytes();
    let pack = Pack::read(record.expect("a record")).expect("it is read");
    assert!(pack.names().eq(["bias", "weight"]));
    let weight = pack.tensor("weight").expect("it is there");
    assert_eq!(weight, layer.weight.val().into_data());
    assert_eq!(weight.shape().to_vec(), [3, 2]);
    assert!(pack.tensor("weights").is_none());
    assert!(!pack.is_of_optimizer());
}

#[test]
fn kinds_of_numbers_are_told_apart() {
    #[derive(Module, Debug)]
    struct Mixed {
        fractions: Param<Tensor<1>>,
        counts: Param<Tensor<1, Int>>,
        answers: Param<Tensor<1, Bool>>,
    }
    let device = Device::flex();
    let counts = Tensor::<1, Int>::from_ints([1, 2], &device);
    let mixed = Mixed {
        fractions: Param::from_tensor(Tensor::from_floats([0.5], &device)),
        answers: Param::initialized(ParamId::new(), counts.clone().equal_elem(1)),
        counts: Param::initialized(ParamId::new(), counts),
    };
    let record = mixed.into_record().into_bytes().expect("a record");
    let pack = Pack::read(record).expect("it is read");
    let kinds = ["fractions", "counts", "answers", "else"].map(|name| pack.kind(name));
    let expected = [Some(Kind::Float), Some(Kind::Int), Some(Kind::Bool), None];
    assert_eq!(kinds, expected);
}

#[test]
fn state_of_an_optimizer_is_recognised_by_its_names() {
    let (module, optimizer) = records();
    let pack = Pack::read(optimizer).expect("it is read");
    assert!(pack.is_of_optimizer());
    let expected = ["momentum.moment_1", "momentum.moment_2", "momentum.time"];
    assert_eq!(pack.state_names(), expected);
    assert_eq!(pack.difference(&pack), None);
    let module = Pack::read(module).expect("it is read");
    assert!(pack.difference(&module).is_some());
}

#[test]
fn every_record_that_is_cut_off_is_refused() {
    let (module, optimizer) = records();
    for record in [module, optimizer] {
        for length in 0..record.len() {
            let cut_off = Bytes::from_bytes_vec(record[..length].to_vec());
            assert!(Pack::read(cut_off).is_err(), "{length} bytes");
        }
    }
}

#[test]
fn no_changed_byte_of_a_record_makes_it_panic() {
    let (module, _) = records();
    for index in 0..module.len() {
        for bit in 0..8 {
            let mut bytes = module.to_vec();
            bytes[index] ^= 1 << bit;
            if let Ok(pack) = Pack::read(Bytes::from_bytes_vec(bytes)) {
                let found = pack.names().filter_map(|name| pack.tensor(name));
                assert!(found.count() <= 2);
            }
        }
    }
}
