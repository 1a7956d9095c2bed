use super::{
    cifar::{CIFAR_10, CIFAR_100},
    fashion_mnist::FASHION_MNIST,
    mnist::MNIST,
    row::Row,
};

/// Makes a variant of [`DataSet`] of every line.
macro_rules! table {
    ($($(#[$comment:meta])* $variant:ident: $row:path,)*) => {
        /// A data set from which tasks are made.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum DataSet {
            $($(#[$comment])* $variant,)*
        }

        impl DataSet {
            /// Every data set.
            pub const ALL: [DataSet; NAMES.len()] = [$(DataSet::$variant),*];

            /// What is known of it.
            pub(super) fn row(self) -> &'static Row {
                match self {
                    $(DataSet::$variant => &$row,)*
                }
            }
        }

        /// The name of every data set.
        pub(super) const NAMES: &[&str] = &[$($row.name),*];
    };
}

// To add a data set, write the file of its row and add a line here.
table! {
    /// Handwritten digits, included in the program with the feature `mnist`.
    Mnist: MNIST,
    /// Articles of clothing, from a folder or by download.
    FashionMnist: FASHION_MNIST,
    /// Colour photographs of ten kinds of animals and vehicles, from a folder or by download.
    Cifar10: CIFAR_10,
    /// Colour photographs of a hundred kinds of things, by their fine labels, from a folder or by
    /// download.
    Cifar100: CIFAR_100,
}
