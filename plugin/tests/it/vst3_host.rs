//! A minimal VST3 host with deliberate faults that real hosts have by accident.

use std::cell::RefCell;
use std::ffi::c_void;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use nice_plug::wrapper::vst3::Wrapper;
use plugin::guard::Guardable;
use plugin::guard::vst3::{Factory, Vst3Class};
use vst3::Steinberg::Vst::ProcessContext_::StatesAndFlags_::kPlaying;
use vst3::Steinberg::Vst::*;
use vst3::Steinberg::*;
use vst3::{ComPtr, ComRef, ComWrapper, Interface};

use super::host::{Host, Odd, SetUp, TestBus};
use super::vst3_handler::Handler;
use super::vst3_objects::{Changes, Queue, Stream};

/// A VST3 instance with its host.
pub struct Vst3Host {
    pub component: ComPtr<IComponent>,
    pub processor: ComPtr<IAudioProcessor>,
    pub controller: ComPtr<IEditController>,
    pub handler: ComWrapper<Handler>,
    /// Time of the next blocks.
    time: RefCell<Option<ProcessContext>>,
}

impl Vst3Host {
    /// Creates an instance of `P`, with or without the guard.
    pub fn of<P: Guardable>(guarded: bool) -> Self {
        if guarded {
            let classes: &'static [Vst3Class] = Box::leak(Box::new([Vst3Class::of::<P>()]));
            // SAFETY: this call owns the factory's reference.
            return unsafe { Self::from_factory(Factory::export(classes), 0) };
        }
        let wrapper = ComWrapper::new(Wrapper::<P>::new());
        Self::new(wrapper.to_com_ptr::<IComponent>().unwrap())
    }

    /// Calls the plugin back during each of its calls of the host from now on. Without the guard
    /// almost all of these calls crash.
    pub fn call_back(self) -> Self {
        let Self { component, processor, controller, handler, .. } = &self;
        Handler::know(handler, component.as_ptr(), processor.as_ptr(), controller.as_ptr());
        self
    }

    /// Creates an instance of a factory's class.
    ///
    /// # Safety
    ///
    /// `factory` is an owned `IPluginFactory`.
    pub unsafe fn from_factory(factory: *mut c_void, index: int32) -> Self {
        // SAFETY: as the caller guarantees; all pointers are to live variables.
        unsafe {
            let factory = ComPtr::from_raw(factory.cast::<IPluginFactory>()).unwrap();
            let mut info: PClassInfo = std::mem::zeroed();
            assert_eq!(factory.getClassInfo(index, &mut info), kResultOk);
            let mut object = std::ptr::null_mut();
            let iid = IComponent::IID.as_ptr().cast();
            assert_eq!(factory.createInstance(info.cid.as_ptr(), iid, &mut object), kResultOk);
            Self::new(ComPtr::from_raw(object.cast()).unwrap()).call_back()
        }
    }

    fn new(component: ComPtr<IComponent>) -> Self {
        let processor = component.cast::<IAudioProcessor>().unwrap();
        let controller = component.cast::<IEditController>().unwrap();
        let handler = ComWrapper::new(Handler::default());
        let given = handler.as_com_ref::<IComponentHandler>().unwrap();
        // SAFETY: a live handler.
        unsafe {
            assert_eq!(component.initialize(std::ptr::null_mut()), kResultOk);
            assert_eq!(controller.setComponentHandler(given.as_ptr()), kResultOk);
        }
        Self { component, processor, controller, handler, time: RefCell::default() }
    }

    /// Calls `setupProcessing` with a symbolic sample size.
    pub fn set_up(&self, set_up: SetUp, sample_size: int32) -> tresult {
        let mut setup = ProcessSetup {
            processMode: if set_up.offline { 2 } else { 0 },
            symbolicSampleSize: sample_size,
            maxSamplesPerBlock: set_up.max_block as int32,
            sampleRate: set_up.rate,
        };
        // SAFETY: a live variable.
        unsafe { self.processor.setupProcessing(&mut setup) }
    }

    /// Returns the buses' arrangements as the plugin reports them, inputs and outputs.
    pub fn arrangements(&self) -> (Vec<SpeakerArrangement>, Vec<SpeakerArrangement>) {
        let list = |direction: int32| -> Vec<_> {
            // SAFETY: plain arguments and a live variable.
            unsafe {
                (0..self.component.getBusCount(0, direction))
                    .map(|index| {
                        let mut speakers = 0;
                        assert_eq!(
                            self.processor.getBusArrangement(direction, index, &mut speakers),
                            kResultOk
                        );
                        speakers
                    })
                    .collect()
            }
        };
        (list(0), list(1))
    }

    /// Calls `setBusArrangements`.
    pub fn arrange(
        &self,
        mut inputs: Vec<SpeakerArrangement>,
        mut outputs: Vec<SpeakerArrangement>,
    ) -> bool {
        // SAFETY: live arrays and their lengths.
        unsafe {
            self.processor.setBusArrangements(
                inputs.as_mut_ptr(),
                inputs.len() as int32,
                outputs.as_mut_ptr(),
                outputs.len() as int32,
            ) == kResultOk
        }
    }

    /// Calls `activateBus` for an input.
    pub fn switch_input(&self, index: int32, on: bool) {
        // SAFETY: plain arguments.
        assert_eq!(unsafe { self.component.activateBus(0, 0, index, u8::from(on)) }, kResultOk);
    }

    /// Returns two flags: true if a parameter is shown as a list, and true if it can be automated.
    pub fn list_and_automated(&self, id: u32) -> (bool, bool) {
        let flags = (0..self.num_params()).find_map(|index| {
            // SAFETY: a live variable.
            let info = unsafe {
                let mut info: ParameterInfo = std::mem::zeroed();
                self.controller.getParameterInfo(index as int32, &mut info);
                info
            };
            (info.id == id).then_some(info.flags)
        });
        let flags = flags.expect("a known parameter");
        let has = |flag| flags & flag != 0;
        (
            has(ParameterInfo_::ParameterFlags_::kIsList),
            has(ParameterInfo_::ParameterFlags_::kCanAutomate),
        )
    }

    /// Calls `getBusInfo`.
    pub fn bus_info(&self, direction: int32, index: int32) -> Option<BusInfo> {
        // SAFETY: a live variable.
        unsafe {
            let mut info: BusInfo = std::mem::zeroed();
            (self.component.getBusInfo(0, direction, index, &mut info) == kResultOk).then_some(info)
        }
    }
}

/// One block.
struct Block<'a> {
    num_samples: usize,
    changes: &'a [(usize, u32, f64)],
    odd: Odd,
    context: *mut ProcessContext,
}

impl Vst3Host {
    /// Processes one block with changes at any sample and with the host's transport.
    pub fn process_at(
        &self,
        inputs: &mut [TestBus],
        outputs: &mut [TestBus],
        num_samples: usize,
        changes: &[(usize, u32, f64)],
        context: *mut ProcessContext,
    ) -> bool {
        let block = Block { num_samples, changes, odd: Odd::Nothing, context };
        self.process_block(inputs, outputs, block)
    }

    fn process_block(
        &self,
        inputs: &mut [TestBus],
        outputs: &mut [TestBus],
        block: Block<'_>,
    ) -> bool {
        let Block { num_samples, changes, odd, context } = block;
        let mut in_pointers: Vec<_> = inputs.iter_mut().map(TestBus::pointers).collect();
        let mut out_pointers: Vec<_> = outputs.iter_mut().map(TestBus::pointers).collect();
        if odd == Odd::SecondInputIsMainOutput {
            in_pointers[1][0] = out_pointers[0][0];
        }
        let num_inputs = inputs.len() - usize::from(odd == Odd::OneInputLessThanThere);
        let make = |buses: &[TestBus], pointers: &mut [Vec<*mut f32>]| -> Vec<AudioBusBuffers> {
            (buses.iter().zip(pointers))
                .map(|(bus, pointers)| AudioBusBuffers {
                    numChannels: bus.channels.len() as int32,
                    silenceFlags: 0,
                    __field0: AudioBusBuffers__type0 {
                        channelBuffers32: if bus.no_array {
                            std::ptr::null_mut()
                        } else {
                            pointers.as_mut_ptr()
                        },
                    },
                })
                .collect()
        };
        let mut in_buses = make(inputs, &mut in_pointers);
        let mut out_buses = make(outputs, &mut out_pointers);
        let mut queues: Vec<(u32, Vec<(i32, f64)>)> = Vec::new();
        for &(sample, id, value) in changes {
            let point = (sample as i32, value);
            match queues.iter_mut().find(|queue| queue.0 == id) {
                Some(queue) => queue.1.push(point),
                None => queues.push((id, vec![point])),
            }
        }
        let queues =
            queues.into_iter().map(|(id, points)| ComWrapper::new(Queue(id, points))).collect();
        let changes = ComWrapper::new(Changes(queues));
        let mut data = ProcessData {
            processMode: if odd == Odd::Rendered { 2 } else { 0 },
            symbolicSampleSize: 0,
            numSamples: num_samples as int32,
            numInputs: num_inputs as int32,
            numOutputs: out_buses.len() as int32,
            inputs: if in_buses.is_empty() { std::ptr::null_mut() } else { in_buses.as_mut_ptr() },
            outputs: if out_buses.is_empty() {
                std::ptr::null_mut()
            } else {
                out_buses.as_mut_ptr()
            },
            inputParameterChanges: changes.as_com_ref::<IParameterChanges>().unwrap().as_ptr(),
            outputParameterChanges: std::ptr::null_mut(),
            inputEvents: std::ptr::null_mut(),
            outputEvents: std::ptr::null_mut(),
            processContext: context,
        };
        // SAFETY: everything lives until after the call.
        unsafe { self.processor.process(&mut data) == kResultOk }
    }
}

/// Creates an instance without calling any of its methods.
///
/// # Safety
///
/// Only the methods of `FUnknown` may be called.
pub unsafe fn uninitialised(class: &plugin::classes::ClassDesc) -> ComPtr<IComponent> {
    // SAFETY: this function owns the factory's reference; all pointers are to live variables.
    unsafe {
        let factory = plugin::entry::GetPluginFactory().cast::<IPluginFactory>();
        let factory = ComPtr::from_raw(factory).unwrap();
        let mut object = std::ptr::null_mut();
        let (cid, iid) = (class.vst3_id.as_ptr().cast(), IComponent::IID.as_ptr().cast());
        assert_eq!(factory.createInstance(cid, iid, &mut object), kResultOk);
        let nobody = [0_u8; 16];
        assert_ne!(factory.createInstance(nobody.as_ptr().cast(), iid, &mut object), kResultOk);
        ComPtr::from_raw(object.cast()).unwrap()
    }
}

impl Drop for Vst3Host {
    fn drop(&mut self) {
        self.handler.is_gone.store(true, Ordering::SeqCst);
    }
}

/// Returns the text of a VST3 string.
pub fn text(string: &[u16]) -> String {
    let end = string.iter().position(|&unit| unit == 0).unwrap_or(string.len());
    String::from_utf16_lossy(&string[..end])
}

impl Host for Vst3Host {
    fn activate(&mut self, set_up: SetUp) -> bool {
        // SAFETY: plain arguments.
        unsafe {
            self.set_up(set_up, 0) == kResultOk
                && self.component.setActive(1) == kResultOk
                && self.processor.setProcessing(1) == kResultOk
        }
    }

    fn deactivate(&mut self) {
        // SAFETY: plain arguments.
        unsafe {
            self.processor.setProcessing(0);
            self.component.setActive(0);
        }
    }

    fn process_timed(
        &self,
        inputs: &mut [TestBus],
        outputs: &mut [TestBus],
        num_samples: usize,
        changes: &[(usize, u32, f64)],
        odd: Odd,
    ) -> bool {
        // The plugin may call back during the block.
        let mut time = *self.time.borrow();
        let context = time.as_mut().map_or(std::ptr::null_mut(), std::ptr::from_mut);
        let block = Block { num_samples, changes, odd, context };
        self.process_block(inputs, outputs, block)
    }

    fn go_to(&self, sample: Option<i64>) {
        *self.time.borrow_mut() = sample.map(|sample| {
            // SAFETY: plain data, for which zeros are valid.
            let mut context: ProcessContext = unsafe { std::mem::zeroed() };
            context.state = kPlaying;
            context.projectTimeSamples = sample;
            context
        });
    }

    fn reset(&self) {
        self.set_processing(true);
    }

    fn set_processing(&self, on: bool) {
        // SAFETY: plain arguments.
        unsafe { self.processor.setProcessing(u8::from(on)) };
    }

    fn num_params(&self) -> u32 {
        // SAFETY: no arguments.
        unsafe { self.controller.getParameterCount() as u32 }
    }

    fn param_name(&self, index: u32) -> Option<String> {
        // SAFETY: a live variable.
        unsafe {
            let mut info: ParameterInfo = std::mem::zeroed();
            let result = self.controller.getParameterInfo(index as int32, &mut info);
            (result == kResultOk).then(|| text(&info.title))
        }
    }

    fn param_id(&self, index: u32) -> Option<u32> {
        // SAFETY: a live variable.
        unsafe {
            let mut info: ParameterInfo = std::mem::zeroed();
            let result = self.controller.getParameterInfo(index as int32, &mut info);
            (result == kResultOk).then_some(info.id)
        }
    }

    fn param(&self, id: u32) -> f64 {
        // SAFETY: plain arguments.
        unsafe { self.controller.getParamNormalized(id) }
    }

    fn param_text(&self, id: u32, normalized: f64) -> String {
        // SAFETY: live variables.
        unsafe {
            let mut string = [0; 128];
            self.controller.getParamStringByValue(id, normalized, &mut string);
            let info = (0..self.num_params()).find_map(|index| {
                let mut info: ParameterInfo = std::mem::zeroed();
                self.controller.getParameterInfo(index as int32, &mut info);
                (info.id == id).then_some(info)
            });
            text(&string) + &text(&info.unwrap().units)
        }
    }

    fn set_param(&self, id: u32, normalized: f64) {
        // SAFETY: plain arguments.
        unsafe { self.controller.setParamNormalized(id, normalized) };
    }

    fn flush(&self, changes: &[(u32, f64)]) {
        assert!(self.process(&mut [], &mut [], 0, changes));
    }

    fn latency(&self) -> u32 {
        // SAFETY: no arguments.
        unsafe { self.processor.getLatencySamples() }
    }

    fn idle(&self) {
        // SAFETY: plain arguments; generic editors poll this function.
        unsafe { self.controller.getParamNormalized(0) };
    }

    fn notices(&self) -> (usize, usize) {
        let Handler { names, restarts, .. } = &*self.handler;
        (names.load(Ordering::SeqCst), restarts.load(Ordering::SeqCst))
    }

    fn value_notices(&self) -> usize {
        self.handler.values.load(Ordering::SeqCst)
    }

    fn dirty_notices(&self) -> usize {
        self.handler.dirty.load(Ordering::SeqCst)
    }

    fn save(&self) -> Vec<u8> {
        let stream = ComWrapper::new(Stream::default());
        let given = stream.as_com_ref::<IBStream>().unwrap();
        // SAFETY: a live stream.
        assert_eq!(unsafe { self.component.getState(given.as_ptr()) }, kResultOk);
        stream.0.lock().unwrap().0.clone()
    }

    fn load(&self, state: &[u8]) -> bool {
        let stream = ComWrapper::new(Stream(Mutex::new((state.to_vec(), 0))));
        let given: ComRef<'_, IBStream> = stream.as_com_ref().unwrap();
        // SAFETY: a live stream.
        unsafe { self.component.setState(given.as_ptr()) == kResultOk }
    }

    fn unload(self: Box<Self>) {
        // SAFETY: no arguments.
        unsafe { self.component.terminate() };
        drop(self);
    }
}
