//! The parameter changes of one VST3 block, applied when they are due.
//!
//! The framework gets a block in pieces that begin at parameter changes. The guard sets the values
//! before each piece.
#![allow(unsafe_code, reason = "VST3 interfaces")]

use vst3::ComRef;
use vst3::Steinberg::Vst::{
    IParamValueQueue, IParamValueQueueTrait, IParameterChanges, IParameterChangesTrait, ParamID,
    ParamValue,
};
use vst3::Steinberg::kResultOk;

/// Least number of points per block that are read one by one. Beyond it, only the last point of
/// each parameter is read.
const MAX_POINTS: usize = 4096;

/// A parameter value that takes effect at one sample of a block.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Point {
    sample: usize,
    /// Index in the host's order, for points at the same sample.
    order: usize,
    id: ParamID,
    value: ParamValue,
}

/// A block's points, sorted by time, and the position of the block in them.
///
/// # Real-time
///
/// [`Due::new`] allocates; everything else is safe on the audio thread.
#[derive(Debug)]
pub(super) struct Due {
    points: Vec<Point>,
    max_points: usize,
    /// The points from `first` up to `next` are due; those before are done.
    first: usize,
    next: usize,
}

impl Due {
    /// Allocates room for the points of `num_params` parameters.
    pub(super) fn new(num_params: usize) -> Self {
        let max_points = MAX_POINTS + num_params;
        Self { points: Vec::with_capacity(max_points), max_points, first: 0, next: 0 }
    }

    /// Reads the changes of a block; none of them is due yet.
    ///
    /// # Safety
    ///
    /// `changes` is null or a live object.
    pub(super) unsafe fn read(&mut self, changes: *mut IParameterChanges, num_samples: usize) {
        self.points.clear();
        (self.first, self.next) = (0, 0);
        // SAFETY: as the caller guarantees.
        if let Some(changes) = unsafe { ComRef::from_raw(changes) } {
            // SAFETY: no arguments.
            let num_queues = unsafe { changes.getParameterCount() };
            for index in 0..num_queues {
                // SAFETY: an index within the count; null or a live object.
                if let Some(queue) = unsafe { ComRef::from_raw(changes.getParameterData(index)) } {
                    let left = usize::try_from(num_queues - index).unwrap_or(0);
                    self.read_queue(queue, num_samples.saturating_sub(1), left);
                }
            }
        }
        self.points.sort_unstable_by_key(|point| (point.sample, point.order));
    }

    /// Reads one parameter's points. Leaves room for one point of each of the `queues_left` queues,
    /// this one included.
    fn read_queue(
        &mut self,
        queue: ComRef<'_, IParamValueQueue>,
        last_sample: usize,
        queues_left: usize,
    ) {
        // SAFETY: no arguments.
        let (id, count) = unsafe { (queue.getParameterId(), queue.getPointCount()) };
        let room = self.max_points.saturating_sub(self.points.len() + queues_left);
        for index in 0..count {
            let is_last = index == count - 1;
            if !is_last && usize::try_from(index).unwrap_or(usize::MAX) >= room {
                continue;
            }
            let (mut sample, mut value) = (0, 0.0);
            // SAFETY: an index within the count, and local variables to be written.
            let result = unsafe { queue.getPoint(index, &raw mut sample, &raw mut value) };
            let is_value = result == kResultOk && value.is_finite();
            if is_value && self.points.len() < self.max_points {
                let sample = usize::try_from(sample).unwrap_or(0).min(last_sample);
                self.points.push(Point { sample, order: self.points.len(), id, value });
            }
        }
    }

    /// Advances to the piece that begins at `sample`. Returns the sample of the next change after
    /// it, if any.
    pub(super) fn advance(&mut self, sample: usize) -> Option<usize> {
        self.first = self.next;
        let left = &self.points[self.first..];
        self.next += left.iter().take_while(|point| point.sample <= sample).count();
        self.points.get(self.next).map(|point| point.sample)
    }

    /// Returns the values that are due, sorted by time.
    pub(super) fn values(&self) -> impl Iterator<Item = (ParamID, ParamValue)> + '_ {
        self.points[self.first..self.next].iter().map(|point| (point.id, point.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vst3::Steinberg::{int32, kResultFalse, tresult};
    use vst3::{Class, ComWrapper};

    /// A host's points for one parameter.
    struct Said(ParamID, Vec<(int32, ParamValue)>);

    struct All(Vec<ComWrapper<Said>>);

    impl Class for Said {
        type Interfaces = (IParamValueQueue,);
    }

    impl Class for All {
        type Interfaces = (IParameterChanges,);
    }

    impl IParamValueQueueTrait for Said {
        unsafe fn getParameterId(&self) -> ParamID {
            self.0
        }

        unsafe fn getPointCount(&self) -> int32 {
            int32::try_from(self.1.len()).unwrap()
        }

        unsafe fn getPoint(
            &self,
            index: int32,
            offset: *mut int32,
            value: *mut ParamValue,
        ) -> tresult {
            // SAFETY: the caller's variables.
            unsafe { (*offset, *value) = self.1[usize::try_from(index).unwrap()] };
            kResultOk
        }

        unsafe fn addPoint(&self, _: int32, _: ParamValue, _: *mut int32) -> tresult {
            kResultFalse
        }
    }

    impl IParameterChangesTrait for All {
        unsafe fn getParameterCount(&self) -> int32 {
            int32::try_from(self.0.len()).unwrap()
        }

        unsafe fn getParameterData(&self, index: int32) -> *mut IParamValueQueue {
            let queue = self.0[usize::try_from(index).unwrap()].as_com_ref::<IParamValueQueue>();
            queue.unwrap().as_ptr()
        }

        unsafe fn addParameterData(
            &self,
            _id: *const ParamID,
            _index: *mut int32,
        ) -> *mut IParamValueQueue {
            std::ptr::null_mut()
        }
    }

    /// Returns every value for a block of `num_samples` with the sample at which it takes effect.
    fn all_due(
        said: Vec<(ParamID, Vec<(int32, ParamValue)>)>,
        num_samples: usize,
    ) -> Vec<(usize, ParamID, ParamValue)> {
        let num_params = said.len();
        let queues = said.into_iter().map(|(id, points)| ComWrapper::new(Said(id, points)));
        let said = ComWrapper::new(All(queues.collect()));
        let mut due = Due::new(num_params);
        // SAFETY: a live object.
        unsafe { due.read(said.as_com_ref::<IParameterChanges>().unwrap().as_ptr(), num_samples) };
        let (mut found, mut now) = (Vec::new(), Some(0));
        while let Some(sample) = now {
            now = due.advance(sample);
            assert!(now.is_none_or(|next| next > sample));
            found.extend(due.values().map(|(id, value)| (sample, id, value)));
        }
        found
    }

    #[test]
    fn points_come_in_the_order_of_time_whatever_queue_they_are_in() {
        let said = vec![(7, vec![(0, 0.1), (5, 0.2), (5, 0.3)]), (8, vec![(3, 0.4), (5, 0.5)])];
        let expected = [(0, 7, 0.1), (3, 8, 0.4), (5, 7, 0.2), (5, 7, 0.3), (5, 8, 0.5)];
        assert_eq!(all_due(said, 64), expected);
        assert!(all_due(Vec::new(), 64).is_empty());
    }

    #[test]
    fn points_outside_the_block_count_at_its_ends() {
        let said = vec![(7, vec![(-3, 0.1), (64, 0.2), (1000, 0.3)])];
        assert_eq!(all_due(said.clone(), 64), [(0, 7, 0.1), (63, 7, 0.2), (63, 7, 0.3)]);
        // A block without samples only carries values.
        assert_eq!(all_due(said, 0), [(0, 7, 0.1), (0, 7, 0.2), (0, 7, 0.3)]);
    }

    #[test]
    fn of_far_too_many_points_the_last_of_each_parameter_is_there() {
        let many: Vec<_> = (0..5000).map(|at| (at, f64::from(at) / 5000.0)).collect();
        let said = vec![(7, many.clone()), (8, many.clone()), (9, vec![(0, 0.5), (9, 0.75)])];
        let found = all_due(said, 5000);
        assert!(found.len() >= MAX_POINTS);
        let last = |id| found.iter().rev().find(|point| point.1 == id).map(|point| point.2);
        assert_eq!((last(7), last(8), last(9)), (Some(0.9998), Some(0.9998), Some(0.75)));
    }
}
