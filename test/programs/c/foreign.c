/*
 * Makes the system calls of other ABIs: getpid by int $0x80 (i386), twice, and by an x32 number. Prints whether the first
 * gave the pid, and x32's errno, which is ENOSYS on a kernel without x32.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NR_I386_GETPID 20
#define X32_SYSCALL_BIT 0x40000000

int main(void)
{
	long i386 = 0, x32;

	for (int i = 0; i < 2; i++)
		__asm__ volatile("int $0x80" : "=a"(i386) : "a"(NR_I386_GETPID) : "memory", "r8", "r9", "r10", "r11");
	printf("i386 %s\n", i386 == getpid() ? "pid" : "wrong");
	x32 = syscall(X32_SYSCALL_BIT + SYS_getpid);
	printf("x32 %s\n", x32 == getpid() ? "pid" : errno == ENOSYS ? "ENOSYS" : "wrong");
	return 0;
}
