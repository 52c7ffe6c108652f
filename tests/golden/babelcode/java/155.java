class Solution {
    public ArrayList<Integer> evenOddCount(Integer num) {
        int even = 0, odd = 0;
        for (char digit : Integer.toString(Math.abs(num)).toCharArray()) {
            if (digit % 2 == 0) even++;
            else odd++;
        }
        return new ArrayList<>(List.of(even, odd));
    }
}
