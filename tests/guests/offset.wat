;; Wants to write the offset of its records.
  (export "lockgate:plugin/transform@0.1.0#describe" (func $describe))
  (export "lockgate:plugin/transform@0.1.0#configure" (func $configure))
  (export "lockgate:plugin/transform@0.1.0#process" (func $pass))
  (data (i32.const 1344) "offset")
  (data (i32.const 1352) "\04\00\00\00" "\40\05\00\00\06\00\00\00" "\00\00\00\00\00\00\00\00")
  (data (i32.const 1408) "\00\00\00\00\01\00\00\00" "\d8\04\00\00\01\00\00\00" "\48\05\00\00\01\00\00\00")
  (data (i32.const 1456) "\01")
  (func (export "lockgate:plugin/transform@0.1.0#open-table") (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 1408))
