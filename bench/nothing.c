/* The static program that bench/spawn starts: the time is the start's alone. */
int main(void)
{
	return 0;
}
