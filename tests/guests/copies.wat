;; Copies after "email" into the header "x-copy".
  (export "lockgate:plugin/transform@0.1.0#describe" (func $describe))
  (export "lockgate:plugin/transform@0.1.0#configure" (func $configure))
  (data (i32.const 1344) "x-copy")
  (data (i32.const 1352) "\03\00\00\00" "\40\05\00\00\06\00\00\00" "\00\00\00\00\00\00\00\00")
  ;; A plan that reads the field of all guests and writes that header.
  (data (i32.const 1408) "\00\00\00\00\01\00\00\00" "\d8\04\00\00\01\00\00\00" "\48\05\00\00\01\00\00\00")
  (data (i32.const 1456) "\01")
  (func (export "lockgate:plugin/transform@0.1.0#open-table") (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 1408))
  (func $process (export "lockgate:plugin/transform@0.1.0#process") (param $table i32) (param $operations i32) (param $rows i32) (param $reads i32) (param $fields i32) (result i32)
    (local $row i32) (local $list i32) (local $edit i32)
    (local.set $list (call $alloc (i32.shl (local.get $rows) (i32.const 2))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $row) (local.get $rows)))
        (i32.store (i32.add (local.get $list) (i32.shl (local.get $row) (i32.const 2))) (local.get $row))
        (local.set $row (i32.add (local.get $row) (i32.const 1)))
        (br $next)))
    ;; The edit of write 0 with the cells as they were read, and the outcome that holds it alone.
    (local.set $edit (call $alloc (i32.const 72)))
    (memory.fill (local.get $edit) (i32.const 0) (i32.const 72))
    (i32.store offset=4 (local.get $edit) (local.get $list))
    (i32.store offset=8 (local.get $edit) (local.get $rows))
    (memory.copy (i32.add (local.get $edit) (i32.const 12)) (local.get $reads) (i32.const 24))
    (i32.store offset=56 (local.get $edit) (local.get $edit))
    (i32.store offset=60 (local.get $edit) (i32.const 1))
    (i32.add (local.get $edit) (i32.const 36)))
