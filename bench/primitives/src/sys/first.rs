//! The machine code of the program that says when it began.

// The program whose only deed is to say when it began: two words of CLOCK_MONOTONIC and "123\n", written to
// descriptor 1, or to 3 when it has two arguments. It has no runtime, no linker and no libc: its first
// instructions are the child's first. Position-independent; `first::program` puts an ELF header before it.
#[cfg(target_arch = "x86_64")]
std::arch::global_asm!(
    r#"
    .pushsection .rodata
fiveways_first_begin:
    mov r12, [rsp]                          # argc
    sub rsp, 32
    mov eax, 228                            # clock_gettime
    mov edi, 1                              # CLOCK_MONOTONIC
    mov rsi, rsp
    syscall
    mov dword ptr [rsp + 16], 0x0a333231    # "123\n"
    mov edi, 1
    mov ecx, 3
    cmp r12, 3
    cmove edi, ecx
    mov eax, 1                              # write
    mov rsi, rsp
    mov edx, 20
    syscall
    mov eax, 60                             # exit
    xor edi, edi
    syscall
fiveways_first_end:
    .popsection
    .global fiveways_first_begin
    .global fiveways_first_end
"#
);

/// The machine code of the program that says when it began; `None` where nobody has written it yet.
#[cfg(target_arch = "x86_64")]
pub fn first_code() -> Option<&'static [u8]> {
    unsafe extern "C" {
        static fiveways_first_begin: u8;
        static fiveways_first_end: u8;
    }
    // SAFETY: both labels stand in one read-only section, in this order; between them are plain bytes.
    Some(unsafe {
        let (begin, end) = (
            &raw const fiveways_first_begin,
            &raw const fiveways_first_end,
        );
        std::slice::from_raw_parts(begin, end.offset_from_unsigned(begin))
    })
}

/// The machine code of the program that says when it began; `None` where nobody has written it yet.
#[cfg(not(target_arch = "x86_64"))]
pub fn first_code() -> Option<&'static [u8]> {
    None
}
