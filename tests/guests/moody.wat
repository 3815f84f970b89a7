;; Drops the first row of every second batch: what it does depends on what it saw before.
  (export "lockgate:plugin/transform@0.1.0#describe" (func $describe))
  (export "lockgate:plugin/transform@0.1.0#configure" (func $configure))
  (export "lockgate:plugin/transform@0.1.0#open-table" (func $open))
  (data (i32.const 2132) "\00\0c\00\00\01\00\00\00")
  (global $calls (mut i32) (i32.const 0))
  (func $process (export "lockgate:plugin/transform@0.1.0#process") (param $table i32) (param $operations i32) (param $rows i32) (param $reads i32) (param $fields i32) (result i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (select (i32.const 2048) (i32.const 2128) (i32.and (global.get $calls) (i32.const 1))))
