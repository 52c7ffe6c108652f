class Solution {
    public ArrayList<Integer> countUpTo(Integer n) {
        ArrayList<Integer> primes = new ArrayList<>();
        for (int i = 2; i < n; i++) {
            final int number = i;
            if (primes.stream().noneMatch(p -> number % p == 0)) primes.add(i);
        }
        return primes;
    }
}
