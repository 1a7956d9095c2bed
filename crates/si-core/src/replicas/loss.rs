use burn::Tensor;
use burn::tensor::Int;
use burn::tensor::activation::log_softmax;

/// The cross-entropy of each replica, `[replicas]`: the mean over its batch, as Burn's
/// [`CrossEntropyLoss`](burn::nn::loss::CrossEntropyLoss) has it for one network.
///
/// The loss of the stack is the sum of these: `cross_entropy(logits, labels).sum()`.
///
/// `logits` are `[replicas, batch, classes]`, and `labels` are `[replicas, batch]`, each from 0 to the number of classes
/// less 1.
///
/// # Panics
///
/// If `labels` do not have the shape `[replicas, batch]` of the logits.
pub fn cross_entropy(logits: Tensor<3>, labels: Tensor<2, Int>) -> Tensor<1> {
    let [num_replicas, batch_size, _] = logits.dims();
    assert_eq!(
        labels.dims(),
        [num_replicas, batch_size],
        "the labels must have the shape [replicas, batch] of the logits"
    );
    let of_labels = log_softmax(logits, 2).gather(2, labels.unsqueeze_dim::<3>(2));
    of_labels.mean_dim(1).reshape([num_replicas]).neg()
}
