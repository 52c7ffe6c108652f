class Solution {
    public ArrayList<Integer> sumProduct(ArrayList<Integer> numbers) {
        int sum = 0, product = 1;
        for (int n : numbers) {
            sum += n;
            product *= n;
        }
        return new ArrayList<>(List.of(sum, product));
    }
}
