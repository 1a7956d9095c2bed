use std::collections::{HashMap, HashSet};

use burn::backend::Backend;
use burn::module::ParamId;
use burn::tensor::Shape;
use log::warn;

use crate::Synapse;

/// The synapses of a module, by parameter.
#[derive(Clone, Debug)]
pub(crate) struct Synapses<B: Backend> {
    synapses: HashMap<ParamId, Synapse<B>>,
    num_begun: usize,
    /// The shape of each parameter in its last step.
    stepped: HashMap<ParamId, Shape>,
    /// The parameters whose shape in their last step differs from that in the step before.
    reshaped: Vec<ParamId>,
}

impl<B: Backend> Default for Synapses<B> {
    fn default() -> Self {
        Self::from(HashMap::new())
    }
}

impl<B: Backend> From<HashMap<ParamId, Synapse<B>>> for Synapses<B> {
    fn from(synapses: HashMap<ParamId, Synapse<B>>) -> Self {
        Self {
            synapses,
            num_begun: 0,
            stepped: HashMap::new(),
            reshaped: Vec::new(),
        }
    }
}

impl<B: Backend> Synapses<B> {
    pub(crate) fn get(&self, id: ParamId) -> Option<&Synapse<B>> {
        self.synapses.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: ParamId) -> Option<&mut Synapse<B>> {
        self.synapses.get_mut(&id)
    }

    /// Whether any synapses at `path` have importance.
    pub(crate) fn has_importance_at(&self, path: &str) -> bool {
        let mut synapses = self.synapses.values();
        synapses.any(|synapse| synapse.path == path && synapse.importance.is_some())
    }

    pub(crate) fn remove(&mut self, id: ParamId) -> Option<Synapse<B>> {
        self.synapses.remove(&id)
    }

    /// Keeps only the synapses of the parameters `ids`.
    pub(crate) fn retain(&mut self, ids: &HashSet<ParamId>) {
        self.synapses.retain(|id, _| ids.contains(id));
        self.stepped.retain(|id, _| ids.contains(id));
    }

    /// Takes out the synapses of all parameters other than `ids`.
    pub(crate) fn split_off_others(&mut self, ids: &HashSet<ParamId>) -> Self {
        let others = self.synapses.extract_if(|id, _| !ids.contains(id));
        others.collect::<HashMap<_, _>>().into()
    }

    /// Takes the synapses at `path`, under whatever id, that fit a parameter of that shape. If there are several,
    /// prefers those with importance, as others may have begun after a parameter was replaced. Among these it
    /// takes the latest.
    pub(crate) fn take_named(&mut self, path: &str, shape: &Shape) -> Option<Synapse<B>> {
        let named =
            |(_, synapse): &(&ParamId, &Synapse<B>)| synapse.path == path && synapse.fits(shape);
        let named = self.synapses.iter().filter(named);
        let (id, _) =
            named.max_by_key(|(_, synapse)| (synapse.importance.is_some(), synapse.began))?;
        let id = *id;
        self.synapses.remove(&id)
    }

    pub(crate) fn insert(&mut self, id: ParamId, synapse: Synapse<B>) {
        self.synapses.insert(id, synapse);
    }

    pub(crate) fn get_or_insert_with(
        &mut self,
        id: ParamId,
        synapse: impl FnOnce() -> Synapse<B>,
    ) -> &mut Synapse<B> {
        self.synapses.entry(id).or_insert_with(|| {
            self.num_begun += 1;
            Synapse {
                began: self.num_begun,
                ..synapse()
            }
        })
    }

    /// Records the shape that a parameter has in a step. If its shape in the step before was another, under the
    /// same id, its optimizer may have state of the old shape.
    pub(crate) fn note_shape(&mut self, id: ParamId, path: &str, shape: &Shape) {
        match self.stepped.get_mut(&id) {
            Some(before) if before == shape => {}
            Some(before) => {
                warn!(
                    "{path} was of shape {before} in its last step and is of shape {shape} now, under the same id: \
                     the optimizer starts over with it. A loop that calls the optimizer itself needs a new optimizer"
                );
                *before = shape.clone();
                self.reshaped.push(id);
            }
            None => {
                self.stepped.insert(id, shape.clone());
            }
        }
    }

    /// Takes the parameters whose shape has changed since the last call.
    pub(crate) fn take_reshaped(&mut self) -> Vec<ParamId> {
        core::mem::take(&mut self.reshaped)
    }

    /// Whether that parameter is among those of [`take_reshaped`](Self::take_reshaped). It is no longer, after this.
    pub(crate) fn take_if_reshaped(&mut self, id: ParamId) -> bool {
        let before = self.reshaped.len();
        self.reshaped.retain(|reshaped| *reshaped != id);
        self.reshaped.len() < before
    }

    /// An empty collection that takes over what is known of the steps.
    pub(crate) fn without_synapses(&mut self) -> Self {
        Self {
            synapses: HashMap::new(),
            num_begun: self.num_begun,
            stepped: core::mem::take(&mut self.stepped),
            reshaped: core::mem::take(&mut self.reshaped),
        }
    }

    /// Drops the synapses of a parameter that has become smaller, because they no longer fit.
    pub(crate) fn drop_unfit(&mut self, id: ParamId, shape: &Shape) {
        if let Some(synapse) = self
            .synapses
            .get(&id)
            .filter(|synapse| !synapse.fits(shape))
        {
            warn!(
                "{} has shrunk from {} to {shape}: its importance is dropped",
                synapse.path,
                synapse.shape()
            );
            self.synapses.remove(&id);
        }
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = ParamId> {
        self.synapses.keys().copied()
    }

    pub(crate) fn in_order(&self) -> Vec<&Synapse<B>> {
        let mut synapses: Vec<_> = self.synapses.values().collect();
        synapses.sort_by_key(|synapse| synapse.order);
        synapses
    }

    /// Also in the module's order, because sums of rounded numbers depend on it.
    pub(crate) fn in_order_mut(&mut self) -> Vec<&mut Synapse<B>> {
        let mut synapses: Vec<_> = self.synapses.values_mut().collect();
        synapses.sort_by_key(|synapse| synapse.order);
        synapses
    }

    #[expect(clippy::wrong_self_convention, reason = "Burn's name for it")]
    pub(crate) fn to_device(self, device: &B::Device) -> Self {
        let moved = |(id, synapse): (ParamId, Synapse<B>)| (id, synapse.to_device(device));
        Self {
            synapses: self.synapses.into_iter().map(moved).collect(),
            ..self
        }
    }
}
