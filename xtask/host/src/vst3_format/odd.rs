//! A VST3 instance that can receive any call at any time.

mod strange;

use std::rc::Rc;

use anyhow::{Context, Result, ensure};
use vst3::Steinberg::Vst::ChannelContext::{IInfoListener, IInfoListenerTrait};
use vst3::Steinberg::Vst::{
    AudioBusBuffers, AudioBusBuffers__type0, IAttributeList, IAudioProcessor, IAudioProcessorTrait,
    IComponent, IComponentHandler, IComponentTrait, IEditController, IEditControllerTrait,
    IHostApplication, IParameterChanges, IUnitInfo, ParameterInfo, ProcessContext, ProcessData,
    ProcessSetup,
};
use vst3::Steinberg::{FUnknown, IBStream, IPluginBaseTrait, TUID, kResultOk};
use vst3::{ComPtr, ComWrapper};

#[cfg(target_os = "linux")]
use super::editor::OpenView;
use super::loaded::{Loaded, create_object, id_of};
use super::objects::{Handler, HostContext};
use super::odd_objects::{OddChanges, OddStream, Track};
use super::{audio, wide_field};
use crate::calls::{Audio, Block, Call, Change, State, Target, WindowCall, bytes, bytes_of_state};
use crate::instance::RawBus;
use crate::model::ClassInfo;

/// Interval of set-ups with double precision, in set-ups.
const DOUBLE_ONCE_IN: u32 = 31;

/// An instance in an arbitrary state.
pub(crate) struct OddVst3 {
    #[cfg(target_os = "linux")]
    view: Option<OpenView>,
    // Released in this order: the component is the object behind the others.
    units: Option<ComPtr<IUnitInfo>>,
    listener: Option<ComPtr<IInfoListener>>,
    controller: ComPtr<IEditController>,
    processor: ComPtr<IAudioProcessor>,
    component: ComPtr<IComponent>,
    handler: ComWrapper<Handler>,
    context: ComWrapper<HostContext>,
    class: TUID,
    params: Vec<u32>,
    saved: Vec<u8>,
    window: Option<u32>,
    offline: bool,
    num_set_ups: u32,
    position_samples: i64,
    /// Last, so that the code stays loaded until all other fields are dropped.
    loaded: Rc<Loaded>,
}

impl OddVst3 {
    /// Creates an initialised instance; its editor opens in `window`.
    pub(super) fn create(
        loaded: Rc<Loaded>,
        class: &ClassInfo,
        window: Option<u32>,
    ) -> Result<Self> {
        let class = id_of(&class.id)?;
        let component: ComPtr<IComponent> = create_object(&loaded, &class)?;
        let context = ComWrapper::new(HostContext);
        let handler = ComWrapper::new(Handler::default());
        let mut this = Self {
            #[cfg(target_os = "linux")]
            view: None,
            units: component.cast(),
            listener: component.cast(),
            controller: component.cast().context("no IEditController")?,
            processor: component.cast().context("no IAudioProcessor")?,
            component,
            handler,
            context,
            class,
            params: Vec::new(),
            saved: Vec::new(),
            window,
            offline: false,
            num_set_ups: 0,
            position_samples: 0,
            loaded,
        };
        this.initialise(&this.component)?;
        let handler = this.handler.as_com_ref::<IComponentHandler>().context("no handler")?;
        // SAFETY: initialised; the handler outlives the controller.
        unsafe {
            this.controller.setComponentHandler(handler.as_ptr());
            for index in 0..this.controller.getParameterCount() {
                let mut info: ParameterInfo = std::mem::zeroed();
                let result = this.controller.getParameterInfo(index, &raw mut info);
                ensure!(result == kResultOk, "no parameter {index}");
                this.params.push(info.id);
            }
        }
        this.save(usize::MAX)?;
        Ok(this)
    }

    fn initialise(&self, component: &ComPtr<IComponent>) -> Result<()> {
        let context = self.context.as_com_ref::<IHostApplication>().context("no host context")?;
        // SAFETY: alive; the context outlives it.
        let result = unsafe { component.initialize(context.as_ptr().cast::<FUnknown>()) };
        ensure!(result == kResultOk, "initialisation failed");
        Ok(())
    }

    /// Returns the id of a parameter, or one that no parameter has.
    fn param(&self, choice: u32) -> u32 {
        self.params.get(choice as usize).copied().unwrap_or(choice)
    }

    fn bus_channels(&self, direction: i32) -> Result<Vec<usize>> {
        // SAFETY: initialised.
        let count = unsafe { self.component.getBusCount(audio(), direction) };
        (0..count)
            .map(|index| {
                // SAFETY: plain data, for which zeros are valid.
                let (result, info) = unsafe {
                    let mut info = std::mem::zeroed();
                    let result =
                        self.component.getBusInfo(audio(), direction, index, &raw mut info);
                    (result, info)
                };
                ensure!(result == kResultOk, "no bus {index}");
                Ok(usize::try_from(info.channelCount)?)
            })
            .collect()
    }

    /// Processes one block and, meanwhile, makes the call `beside` on this thread.
    fn process(&mut self, block: &Block, beside: Option<&Call>) -> Result<()> {
        let [inputs, outputs] = [self.bus_channels(0)?, self.bus_channels(1)?];
        let mut buffers = Audio::new(block, &inputs, &outputs);
        let mut raw = buffers.call();
        let to_buffers = |buses: &mut [RawBus]| -> Vec<AudioBusBuffers> {
            let one = |bus: &mut RawBus| AudioBusBuffers {
                numChannels: i32::try_from(bus.num_channels).unwrap_or(0),
                silenceFlags: 0,
                __field0: AudioBusBuffers__type0 { channelBuffers32: bus.pointers() },
            };
            buses.iter_mut().map(one).collect()
        };
        let (mut inputs, mut outputs) = (to_buffers(&mut raw.inputs), to_buffers(&mut raw.outputs));
        let changes = self.changes(&block.changes);
        let mut context = block.transport.map(bytes::<ProcessContext>);
        if let (Some(context), Some(seed)) = (&mut context, block.transport) {
            context.projectTimeSamples =
                if seed % 7 == 0 { i64::MAX } else { self.position_samples };
        }
        self.position_samples += 1;
        let offline = self.offline || block.renders;
        let mut data = ProcessData {
            processMode: if offline { 2 } else { 0 },
            symbolicSampleSize: 0,
            numSamples: i32::try_from(block.num_samples)?,
            numInputs: i32::try_from(inputs.len())?,
            numOutputs: i32::try_from(outputs.len())?,
            inputs: if inputs.is_empty() { std::ptr::null_mut() } else { inputs.as_mut_ptr() },
            outputs: if outputs.is_empty() { std::ptr::null_mut() } else { outputs.as_mut_ptr() },
            inputParameterChanges: if block.changes.is_empty() && block.in_place {
                std::ptr::null_mut()
            } else {
                pointer(&changes)
            },
            outputParameterChanges: std::ptr::null_mut(),
            inputEvents: std::ptr::null_mut(),
            outputEvents: std::ptr::null_mut(),
            processContext: context.as_mut().map_or(std::ptr::null_mut(), |c| &raw mut *c),
        };
        let run = Run { processor: self.processor.as_ptr(), data: &raw mut data };
        match beside {
            None => run.go(),
            Some(beside) => std::thread::scope(|scope| {
                scope.spawn(move || run.go());
                self.run(beside)
            })?,
        }
        buffers.check()
    }

    fn changes(&self, changes: &[Change]) -> ComWrapper<OddChanges> {
        ComWrapper::new(OddChanges::new(changes, |choice| self.param(choice)))
    }

    fn flush(&self, changes: &[Change]) {
        let changes = self.changes(changes);
        // SAFETY: plain data, for which zeros are valid.
        let mut data: ProcessData = unsafe { std::mem::zeroed() };
        data.inputParameterChanges = pointer(&changes);
        // SAFETY: alive; everything `data` points to outlives the call.
        unsafe { self.processor.process(&raw mut data) };
    }

    fn activate(&mut self, rate_hz: f64, max_block_samples: u32, offline: bool) -> Result<()> {
        self.num_set_ups += 1;
        let mut setup = ProcessSetup {
            processMode: if offline { 2 } else { 0 },
            symbolicSampleSize: i32::from(self.num_set_ups.is_multiple_of(DOUBLE_ONCE_IN)),
            maxSamplesPerBlock: i32::try_from(max_block_samples)?,
            sampleRate: rate_hz,
        };
        self.offline = offline;
        // SAFETY: alive; the set-up outlives the call.
        unsafe {
            self.processor.setupProcessing(&raw mut setup);
            self.component.setActive(1);
        }
        Ok(())
    }

    fn save(&mut self, piece_bytes: usize) -> Result<()> {
        let stream = ComWrapper::new(OddStream::new(Vec::new(), piece_bytes));
        let given = stream.as_com_ref::<IBStream>().context("no stream")?;
        // SAFETY: initialised; the stream outlives the call.
        let result = unsafe { self.component.getState(given.as_ptr()) };
        ensure!(result == kResultOk, "the state was not saved");
        self.saved = stream.bytes();
        Ok(())
    }

    fn load(&self, state: State, piece_bytes: usize) -> Result<()> {
        let bytes = bytes_of_state(&self.saved, state);
        let stream = ComWrapper::new(OddStream::new(bytes, piece_bytes));
        let given = stream.as_com_ref::<IBStream>().context("no stream")?;
        // SAFETY: initialised; the stream outlives the calls.
        let result = unsafe {
            let result = self.component.setState(given.as_ptr());
            self.controller.setComponentState(given.as_ptr());
            result
        };
        let is_loaded = result == kResultOk;
        ensure!(is_loaded || state != State::Saved, "a saved state was rejected");
        Ok(())
    }

    fn read_param(&self, index: u32) -> Result<()> {
        let (id, signed) = (self.param(index), index.cast_signed());
        // SAFETY: plain data, for which zeros are valid; any index and id are allowed.
        unsafe {
            let count = self.controller.getParameterCount();
            let mut info: ParameterInfo = std::mem::zeroed();
            let is_there = self.controller.getParameterInfo(signed, &raw mut info) == kResultOk;
            let must_be = (0..count).contains(&signed);
            ensure!(is_there == must_be, "wrong result for parameter {signed} of {count}");
            let value = self.controller.getParamNormalized(id);
            ensure!((0.0..=1.0).contains(&value), "parameter {id} is {value}");
            let plain = self.controller.normalizedParamToPlain(id, value);
            ensure!(plain.is_finite(), "parameter {id} is {plain}");
            self.controller.plainParamToNormalized(id, plain);
        }
        self.value_to_text(id, 0.5)
    }

    fn value_to_text(&self, id: u32, value: f64) -> Result<()> {
        let mut text = [1; 128];
        // SAFETY: space for 128 units.
        let result = unsafe { self.controller.getParamStringByValue(id, value, &raw mut text) };
        ensure!(result != kResultOk || text.contains(&0), "a text has no terminator");
        // SAFETY: plain arguments.
        unsafe {
            self.controller.normalizedParamToPlain(id, value);
            self.controller.plainParamToNormalized(id, value);
        }
        Ok(())
    }

    fn text_to_value(&self, id: u32, text: &str) -> Result<()> {
        let (mut wide, mut value) = (wide_field(text), f64::NAN);
        // SAFETY: a terminated string and a writable value.
        let result =
            unsafe { self.controller.getParamValueByString(id, wide.as_mut_ptr(), &raw mut value) };
        let is_value = result == kResultOk;
        ensure!(!is_value || (0.0..=1.0).contains(&value), "text {text:?} was parsed as {value}");
        Ok(())
    }

    #[cfg(target_os = "linux")]
    fn window(&mut self, call: WindowCall) -> Result<()> {
        let Some(window) = self.window else { return Ok(()) };
        match call {
            WindowCall::Open if self.view.is_none() => {
                self.view = Some(OpenView::open(&self.controller, window, None)?.0);
            }
            WindowCall::Resize(size) => {
                if let Some(view) = &self.view {
                    // The plugin may refuse a size, and some hosts set one without a
                    // previous request.
                    let _ = view.resize(size);
                    view.force_size(size)?;
                }
            }
            WindowCall::Scale(scale) => {
                if let Some(view) = &self.view {
                    let is_taken = view.set_scale(scale)?;
                    let makes_sense = scale.is_finite() && scale > 0.0;
                    ensure!(!is_taken || makes_sense, "scale {scale} was accepted");
                }
            }
            WindowCall::Close => {
                if let Some(view) = self.view.take() {
                    view.close()?;
                }
            }
            WindowCall::Open => {}
        }
        Ok(())
    }

    #[cfg(not(target_os = "linux"))]
    fn window(&mut self, _call: WindowCall) -> Result<()> {
        let _ = self.window;
        Ok(())
    }

    /// Makes calls with plain arguments.
    fn make_plainly(&self, made: &Call) {
        // SAFETY: hosts may make these calls at any time.
        unsafe {
            match *made {
                Call::Deactivate => {
                    self.component.setActive(0);
                }
                Call::Start => {
                    self.processor.setProcessing(1);
                }
                Call::Stop => {
                    self.processor.setProcessing(0);
                }
                Call::Reset => {
                    self.processor.setProcessing(0);
                    self.processor.setProcessing(1);
                }
                Call::Set { param, value } => {
                    self.controller.setParamNormalized(self.param(param), value);
                }
                Call::LatencyAndTail => {
                    self.processor.getLatencySamples();
                    self.processor.getTailSamples();
                }
                Call::SwitchBus { is_input, index, on } => {
                    let (direction, index) = (i32::from(!is_input), index.cast_signed());
                    self.component.activateBus(audio(), direction, index, u8::from(on));
                }
                Call::RenderMode(mode) => {
                    self.component.setIoMode(mode);
                }
                _ => {}
            }
        }
    }

    fn idle(&self) {
        #[cfg(target_os = "linux")]
        if let Some(view) = &self.view {
            view.idle();
        }
        self.handler.take_gestures();
        self.handler.take_restart_flags();
        self.handler.take_is_dirty();
    }

    fn track(&self, name: &str) {
        let track = ComWrapper::new(Track::named(name));
        if let (Some(listener), Some(list)) = (&self.listener, track.as_com_ref::<IAttributeList>())
        {
            // SAFETY: alive; the list outlives the call.
            unsafe { listener.setChannelContextInfos(list.as_ptr()) };
        }
    }
}

/// A block to process on another thread.
struct Run {
    processor: *mut IAudioProcessor,
    data: *mut ProcessData,
}

// SAFETY: blocks may be processed on any thread, and all pointers outlive the run.
unsafe impl Send for Run {}

impl Run {
    fn go(self) {
        // SAFETY: the instance keeps it alive.
        if let Some(processor) = unsafe { vst3::ComRef::from_raw(self.processor) } {
            // The result is ignored; the buffers are checked afterwards.
            // SAFETY: everything `data` points to outlives the call.
            unsafe { processor.process(self.data) };
        }
    }
}

fn pointer(changes: &ComWrapper<OddChanges>) -> *mut IParameterChanges {
    let changes = changes.as_com_ref::<IParameterChanges>();
    changes.map_or(std::ptr::null_mut(), |changes| changes.as_ptr())
}

impl Target for OddVst3 {
    fn run(&mut self, made: &Call) -> Result<()> {
        match made {
            &Call::Activate { rate_hz, max_block_samples, offline, .. } => {
                self.activate(rate_hz, max_block_samples, offline)?;
            }
            Call::Process(block) => self.process(block, None)?,
            Call::Beside(block, beside) => self.process(block, Some(&**beside))?,
            Call::Flush(changes) => self.flush(changes),
            &Call::ReadParam { index } => self.read_param(index)?,
            &Call::ValueToText { param, value } => self.value_to_text(self.param(param), value)?,
            &Call::TextToValue { param, text } => self.text_to_value(self.param(param), text)?,
            &Call::Save { piece_bytes } => self.save(piece_bytes)?,
            &Call::Load { state, piece_bytes } => self.load(state, piece_bytes)?,
            &Call::ReadBus { is_input, index } => {
                let (direction, index) = (i32::from(!is_input), index.cast_signed());
                // SAFETY: plain data, for which zeros are valid.
                unsafe {
                    let mut info = std::mem::zeroed();
                    let count = self.component.getBusCount(audio(), direction);
                    let result =
                        self.component.getBusInfo(audio(), direction, index, &raw mut info);
                    let must_be = (0..count).contains(&index);
                    ensure!(
                        (result == kResultOk) == must_be,
                        "wrong result for bus {index} of {count}"
                    );
                    self.component.getBusInfo(7, direction, index, &raw mut info);
                    self.component.getBusCount(1, direction);
                }
            }
            &Call::Layout { choice } => self.layout(choice)?,
            Call::Idle => self.idle(),
            Call::Track(name) => self.track(name),
            // VST3 hosts load presets as states.
            Call::Preset { .. } => {}
            &Call::Another { num_inits } => self.another(num_inits)?,
            &Call::Unknown(choice) => self.unknown(choice)?,
            &Call::Window(call) => self.window(call)?,
            plain => self.make_plainly(plain),
        }
        ensure!(!self.handler.was_called_elsewhere(), "the host was called on another thread");
        Ok(())
    }
}

impl Drop for OddVst3 {
    fn drop(&mut self) {
        #[cfg(target_os = "linux")]
        if let Some(view) = self.view.take() {
            // Errors cannot be returned here.
            let _ = view.close();
        }
        // SAFETY: after `terminate` only drop releases the objects; hosts may release a plugin
        // without deactivating it.
        unsafe {
            let _ = self.controller.setComponentHandler(std::ptr::null_mut());
            let _ = self.component.terminate();
        }
    }
}
