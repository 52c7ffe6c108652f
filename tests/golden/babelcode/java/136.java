class Solution {
    public ArrayList<String> largestSmallestIntegers(ArrayList<Integer> lst) {
        String negative = "", positive = "";
        Collections.sort(lst);
        for (int x : lst) {
            if (x < 0) negative = "" + x;
            if (x > 0 && positive.isEmpty()) positive = "" + x;
        }
        return new ArrayList<>(List.of(negative, positive));
    }
}
