use core::fmt;

use serde::{Deserialize, Serialize};

/// The hidden units of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HiddenUnits {
    /// Rectified linear units.
    Relu,
    /// Local winner-take-all.
    Lwta,
    /// Maxout.
    Maxout,
}

/// A kind of network that is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkKind {
    /// Its hidden units.
    pub units: HiddenUnits,
    /// Whether it learns with dropout of hidden units.
    pub has_dropout: bool,
}

impl HiddenUnits {
    /// All of them.
    pub const ALL: [HiddenUnits; 3] = [HiddenUnits::Relu, HiddenUnits::Lwta, HiddenUnits::Maxout];
}

impl fmt::Display for HiddenUnits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HiddenUnits::Relu => "ReLU",
            HiddenUnits::Lwta => "LWTA",
            HiddenUnits::Maxout => "Maxout",
        })
    }
}

impl NetworkKind {
    /// The six kinds, in the order in which they are learnt and shown.
    pub fn all() -> impl Iterator<Item = NetworkKind> {
        let both = |units| [false, true].map(|has_dropout| NetworkKind { units, has_dropout });
        HiddenUnits::ALL.into_iter().flat_map(both)
    }
}

impl fmt::Display for NetworkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dropout = if self.has_dropout { ", dropout" } else { "" };
        write!(f, "{}{dropout}", self.units)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_units_is_there_without_and_with_dropout() {
        let names: Vec<String> = NetworkKind::all().map(|it| it.to_string()).collect();
        assert_eq!(
            names,
            [
                "ReLU",
                "ReLU, dropout",
                "LWTA",
                "LWTA, dropout",
                "Maxout",
                "Maxout, dropout"
            ]
        );
    }
}
