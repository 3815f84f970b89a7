;; Answers a batch that holds "poison" with an error of its own.
  (export "lockgate:plugin/transform@0.1.0#describe" (func $describe))
  (export "lockgate:plugin/transform@0.1.0#configure" (func $configure))
  (export "lockgate:plugin/transform@0.1.0#open-table" (func $open))
  (data (i32.const 2120) "no\0away")
  (data (i32.const 2128) "\01\00\00\00" "\48\08\00\00\06\00\00\00")
  (func $process (export "lockgate:plugin/transform@0.1.0#process") (param $table i32) (param $operations i32) (param $rows i32) (param $reads i32) (param $fields i32) (result i32)
    (select (i32.const 2128) (i32.const 2048) (call $poisoned (local.get $reads))))
