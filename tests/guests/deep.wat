;; Calls itself without end on a batch that holds "poison".
  (export "lockgate:plugin/transform@0.1.0#describe" (func $describe))
  (export "lockgate:plugin/transform@0.1.0#configure" (func $configure))
  (export "lockgate:plugin/transform@0.1.0#open-table" (func $open))
  (func $down (param $depth i32) (result i32)
    (i32.add (call $down (i32.add (local.get $depth) (i32.const 1))) (i32.const 1)))
  (func $process (export "lockgate:plugin/transform@0.1.0#process") (param $table i32) (param $operations i32) (param $rows i32) (param $reads i32) (param $fields i32) (result i32)
    (if (call $poisoned (local.get $reads)) (then (drop (call $down (i32.const 0)))))
    (i32.const 2048))
