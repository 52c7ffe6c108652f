class Solution {
    public ArrayList<Float> rescaleToUnit(ArrayList<Float> numbers) {
        float low = Collections.min(numbers), high = Collections.max(numbers);
        numbers.replaceAll(x -> (x - low) / (high - low));
        return numbers;
    }
}
