class Solution {
    public ArrayList<Integer> rollingMax(ArrayList<Integer> numbers) {
        ArrayList<Integer> maxima = new ArrayList<>();
        for (int n : numbers) {
            maxima.add(maxima.isEmpty() ? n : Math.max(maxima.get(maxima.size() - 1), n));
        }
        return maxima;
    }
}
