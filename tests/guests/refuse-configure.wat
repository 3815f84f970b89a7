;; Refuses its settings.
  (export "lockgate:plugin/transform@0.1.0#describe" (func $describe))
  (export "lockgate:plugin/transform@0.1.0#open-table" (func $open))
  (export "lockgate:plugin/transform@0.1.0#process" (func $pass))
  (data (i32.const 2120) "no key given")
  (data (i32.const 2136) "\01\00\00\00" "\48\08\00\00\0c\00\00\00")
  (func (export "lockgate:plugin/transform@0.1.0#configure") (param i32 i32) (result i32) (i32.const 2136))
