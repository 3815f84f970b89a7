;; Says the first cells of every batch aloud: in a log line, and as the name of a counter.
  (export "lockgate:plugin/transform@0.1.0#describe" (func $describe))
  (export "lockgate:plugin/transform@0.1.0#configure" (func $configure))
  (export "lockgate:plugin/transform@0.1.0#open-table" (func $open))
  (func $process (export "lockgate:plugin/transform@0.1.0#process") (param $table i32) (param $operations i32) (param $rows i32) (param $reads i32) (param $fields i32) (result i32)
    (call $log (i32.const 3) (i32.load offset=16 (local.get $reads)) (i32.load offset=20 (local.get $reads)))
    (call $count (i32.load offset=16 (local.get $reads)) (i32.load offset=20 (local.get $reads)) (i32.const 1))
    (i32.const 2048))
