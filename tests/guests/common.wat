;; What every guest of this folder begins with. A guest is `(module`, this file, its own file, `)`. Its own file exports the four
;; functions of the contract, from here or its own. Digits "1.0.0" stand once, so that a test makes a new version by replacing them.
  (import "lockgate:plugin/host@0.1.0" "log" (func $log (param i32 i32 i32)))
  (import "lockgate:plugin/host@0.1.0" "count" (func $count (param i32 i32 i32)))
  (memory (export "memory") 2)
  (global $heap (mut i32) (i32.const 8192))

  (data (i32.const 1024) "guest")
  (data (i32.const 1032) "1.0.0")
  (data (i32.const 1040) "{}")
  (data (i32.const 1048) "email")
  (data (i32.const 1056) "poison")
  (data (i32.const 1064) "panicked at src/lib.rs:7: boom")

  ;; describe's info: name, version, settings schema, each as address and length.
  (data (i32.const 1200) "\00\04\00\00\05\00\00\00" "\08\04\00\00\05\00\00\00" "\10\04\00\00\02\00\00\00")
  ;; The field after "email".
  (data (i32.const 1240) "\01\00\00\00" "\18\04\00\00\05\00\00\00" "\00\00\00\00\00\00\00\00")
  ;; open-table's ok(some(plan)): it reads and writes that field, its rows are independent.
  (data (i32.const 1280) "\00\00\00\00\01\00\00\00" "\d8\04\00\00\01\00\00\00" "\d8\04\00\00\01\00\00\00")
  (data (i32.const 1328) "\01")
  ;; From 2048 on, 64 bytes are 0: an ok without anything in it, an outcome that changes nothing.

  (func $alloc (param $bytes i32) (result i32)
    (call $realloc (i32.const 0) (i32.const 0) (i32.const 8) (local.get $bytes)))
  (func $realloc (export "cabi_realloc") (param $old i32) (param $len i32) (param $align i32) (param $new i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and
      (i32.add (global.get $heap) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (global.set $heap (i32.add (local.get $at) (local.get $new)))
    (block $fits
      (loop $more
        (br_if $fits (i32.le_u (global.get $heap) (i32.shl (memory.size) (i32.const 16))))
        (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))
        (unreachable)))
    (local.get $at))
  (func (export "cabi_post_lockgate:plugin/transform@0.1.0#process") (param i32)
    (global.set $heap (i32.const 8192)))

  (func $describe (result i32) (i32.const 1200))
  (func $configure (param i32 i32) (result i32) (i32.const 2048))
  (func $open (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 1280))
  (func $pass (param i32 i32 i32 i32 i32) (result i32) (i32.const 2048))

  ;; Where "poison" stands first in the data of the first read; 0 where it does not.
  (func $poisoned (param $reads i32) (result i32)
    (local $at i32) (local $end i32)
    (local.set $at (i32.load offset=16 (local.get $reads)))
    (local.set $end (i32.sub (i32.add (local.get $at) (i32.load offset=20 (local.get $reads))) (i32.const 6)))
    (block $done
      (loop $next
        (br_if $done (i32.gt_s (local.get $at) (local.get $end)))
        (if (i32.and
              (i32.eq (i32.load align=1 (local.get $at)) (i32.load (i32.const 1056)))
              (i32.eq (i32.load16_u offset=4 align=1 (local.get $at)) (i32.load16_u offset=4 (i32.const 1056))))
          (then (return (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (i32.const 0))
  ;; The byte after that "poison", by which a record says what it wants of a guest with several tricks; 0 where there is none.
  (func $trick (param $reads i32) (result i32)
    (local $at i32)
    (local.set $at (call $poisoned (local.get $reads)))
    (if (result i32) (local.get $at) (then (i32.load8_u offset=6 (local.get $at))) (else (i32.const 0))))
  (func $is (param $trick i32) (param $number i32) (result i32)
    (i32.eq (local.get $trick) (i32.add (local.get $number) (i32.const 48))))
  (func $forever (loop $again (br $again)))
