;; Plans differently with every table it opens, and traps on a batch that holds "poison".
  (export "lockgate:plugin/transform@0.1.0#describe" (func $describe))
  (export "lockgate:plugin/transform@0.1.0#configure" (func $configure))
  (func (export "lockgate:plugin/transform@0.1.0#open-table") (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    ;; One operation more each time.
    (i32.store (i32.const 1320) (i32.const 1048))
    (i32.store (i32.const 1324) (i32.add (i32.load (i32.const 1324)) (i32.const 1)))
    (i32.const 1280))
  (func $process (export "lockgate:plugin/transform@0.1.0#process") (param $table i32) (param $operations i32) (param $rows i32) (param $reads i32) (param $fields i32) (result i32)
    (if (call $poisoned (local.get $reads)) (then (unreachable)))
    (i32.const 2048))
