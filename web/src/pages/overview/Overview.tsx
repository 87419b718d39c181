export default function Overview() { return <div class="page"><h1>x</h1></div>; }
